import HTML
import PageKit

/// What several of these pages say.
extension PageView {
    /// A time as far away as it is; a dash where there is none.
    func when(_ text: String?) -> HTML {
        guard let text, !text.isEmpty else { return "–" }
        return "\(TimeText(text, now: visit.call.now))"
    }

    /// Says so above a page whose buttons are not there.
    func standing(_ account: Row) -> HTML {
        switch account["status"] {
        case "suspended":
            return Notice(
                .warn,
                """
                <p><b>Your account is suspended.</b> You can read everything here, and change nothing. Your services go on \
                and renew. <a href="\(link("/program"))">Whom to ask</a></p>
                """
            ).html
        case "active" where account["standing"] == "under_review":
            return Notice(
                .info,
                """
                <p><b>Your account is under review.</b> Something that was reported or paid does not fit; nothing has changed \
                for you. <a href="\(link("/program"))">Whom to ask</a></p>
                """
            ).html
        default: return ""
        }
    }

    /// For a list that has nothing to show. `how`: what its first one comes by, for those who may do that, with the
    /// button that begins it; without one where a form stands beside.
    func none(_ things: String, _ filters: [String], may: Bool, _ how: HTML, _ begins: HTML? = nil) -> HTML {
        if isFiltered(filters) { return nothing("", "", filters: filters) }
        if visit.isTest { return Empty("No test \(things) yet", "The API makes them, with a test key.").html }
        return may ? Empty("No \(things) yet", how, actions: begins).html : Empty("No \(things) yet").html
    }

    /// Of every amount that a tenant's pages show.
    var currency: String { visit.call.tenant.profile.currency }

    /// What a form that asks takes along: its browser replaces the rest of the address.
    func kept(_ names: String...) -> [(name: String, value: String)] {
        (names + ["mode"]).compactMap { name in visit.asked(name).map { (name, $0) } }
    }

    /// A link to one thing, as the first cell of a row.
    func row(_ text: String, _ link: Link) -> HTML { #"<a href="\#(link)">\#(text)</a>"# }
}

/// Plain sentences for the API's words.
enum Word {
    static func order(_ state: String) -> String {
        switch state {
        case "pending": "Waits to be set up. Its amount is held on your balance until then."
        case "completed": "Set up and paid."
        case "rejected": "Not carried out. What was held is back on your balance."
        default: ""
        }
    }

    static func service(_ state: String) -> String {
        switch state {
        case "pending": "It is being set up."
        case "active": "It runs, and renews by itself."
        case "past_due":
            "Its renewal could not be paid. It runs on for seven days from the first try, then it is suspended."
        case "suspended": "It does not run."
        case "cancelled": "It has ended."
        default: ""
        }
    }

    static func fulfilment(_ kind: String) -> String {
        switch kind {
        case "instant", "stock": "at once"
        case "http": "by a program"
        default: "by hand"
        }
    }

    static func term(_ term: String) -> String {
        switch term {
        case "monthly": "month"
        case "quarterly": "quarter"
        case "semi_annual": "half year"
        case "annual": "year"
        case "hourly": "hour"
        default: term
        }
    }

    /// `a month`, `an hour`.
    static func each(_ term: String) -> String { "\(term == "hourly" ? "an" : "a") \(Self.term(term))" }

    static func posting(_ kind: String) -> String {
        switch kind {
        case "top_up": "Top-up"
        case "correction": "Correction"
        case "order": "Order"
        case "hold": "Held for an order"
        case "capture": "Held amount paid"
        case "void": "Held amount given back"
        case "renewal": "Renewal"
        case "hourly": "Hours"
        case "port": "Port"
        case "transfer": "Transfer"
        case "codes": "Codes"
        case "refund": "Refund"
        default: kind
        }
    }

    static let terms = ["monthly", "quarterly", "semi_annual", "annual", "hourly"]
}

extension String {
    /// What a line of a list has room for: whole on the page that the line leads to.
    var shortened: String { count > 32 ? "\(prefix(31))…" : self }
}
