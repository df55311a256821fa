import CallKit
import HTML
import HTTPCore
import PageKit

/// Resellers: who they are, whether they may call, what they owe (O3).
extension AdminPages {
    static let resellers: [Page] = [
        Page("/resellers", "Resellers") { view in
            let found = try view.found("/resellers", view.asked("status", "q", "cursor"))
            let counts = try view.get("/overview").row("resellers")
            let sells = view.visit.has(dialect: "wholesale_orders")
            let table = DataTable(
                caption: "Resellers",
                columns: [Column("Reseller"), Column("State"), Column("Balance", .number)]
                    + (sells ? [Column("Orders, 30 days", .number)] : [])
                    + [Column("Last call"), Column("Since"), Column("Actions", .buttons)],
                rows: found.rows.map { resellerLine($0, sells, view) }, empty: noResellers(view),
                previous: view.first(), next: view.next(found.list))
            let invite: HTML? =
                view.may(.post, "/resellers")
                ? Button("Invite a reseller", .primary, leadsTo: view.link("/resellers/invite")).html : nil
            return PageContent(
                "Resellers", sub: found.currency.map { "Balances in \($0)" }, actions: invite,
                "\(tabs(counts, view))\(filters(view))\(found.shown(table.html))")
        },
        Page("/resellers/invite", "Invite a reseller", asks: "POST /resellers") { view in
            let form = view.form("POST /resellers", said: .invited, next: view.link("/resellers/{id}")) {
                """
                \(view.field("E-mail", "email", .email, hint: "The reseller signs in by it.", autocomplete: "off"))
                \(view.field("Name", "name", hint: "Of the person or the shop.", autocomplete: "off"))
                \(view.field("Company", "company", isRequired: false, autocomplete: "off"))
                <div class="actions">\(Button("Invite", .primary))\
                \(Button("Cancel", .quiet, leadsTo: view.link("/resellers")))</div>
                """
            }
            return PageContent(
                "Invite a reseller",
                """
                <p>You get a link by which the reseller sets a password. It opens once, within 14 days. The reseller \
                is pending until you approve it: until then it can try the test book alone.</p>
                \(Panel("Reseller") { "\(form)" })
                """)
        },
    ]

    private static func tabs(_ counts: Row?, _ view: View) -> Tabs {
        let states = ["pending", "active", "suspended", "terminated"]
        let current = view.visit.asked("status")
        let all = states.reduce(0) { $0 + (counts?.int($1) ?? 0) }
        let search = view.visit.asked("q")
        return Tabs(
            "State",
            [
                Tabs.Tab(
                    "All", view.link("/resellers", query: [("q", search)]), count: all, isCurrent: current == nil)
            ]
                + states.map { state in
                    Tabs.Tab(
                        state.capitalized, view.link("/resellers", query: [("status", state), ("q", search)]),
                        count: counts?.int(state), isCurrent: current == state)
                })
    }

    private static func filters(_ view: View) -> HTML {
        Form.get(
            view.link("/resellers"), keeping: view.visit.kept("status", "mode")
        ) {
            """
            \(view.field(
                "Find", "q", .search, value: view.visit.asked("q"),
                hint: "How an id, e-mail address, name or company begins.", isRequired: false))\
            <div class="actions">\(Button("Find"))\(view.clear(["q"]))</div>
            """
        }
    }

    /// Of more orders it is known that they are many.
    private static let ordersCounted = 1_000

    /// `sells`: whether there are orders.
    private static func resellerLine(_ reseller: Row, _ sells: Bool, _ view: View) -> [HTML] {
        let id = reseller["id"]
        let approve: HTML? =
            reseller["status"] == "pending" && view.may(.post, "/resellers/\(id)/approve")
            ? view.button("Approve", "POST /resellers/\(id)/approve", said: .approved).html : nil
        let orders = reseller.int("orders_in_30_days")
        let who: HTML = """
            <a href="\(view.link("/resellers", id))">\(reseller.called)</a><p class="sub">\(reseller["email"])</p>
            """
        let counted: HTML = "\(Figure.grouped(orders))\(if: orders >= ordersCounted, "+")"
        return [
            who, "\(State(reseller["status"])) \(reseller.standing)", "\(Amount(reseller["balance"]))",
        ] + (sells ? [counted] : []) + [
            view.lastUse(reseller.text("last_call_at")),
            "\(TimeText(reseller["created_at"], now: view.visit.call.now))", "\(approve)",
        ]
    }

    private static func noResellers(_ view: View) -> HTML {
        let status = view.visit.asked("status")
        let isSearched = view.visit.asked("q") != nil
        if isSearched || status != nil {
            let all: HTML = "\(Button("Show all", leadsTo: view.link("/resellers")))"
            return status == "pending" && !isSearched
                ? Empty("Nobody is waiting", "Whoever applies or is invited waits here until approved.", actions: all)
                    .html
                : Empty(isSearched ? "No reseller matches" : "No reseller is in this state", actions: all).html
        }
        let apply = view.visit.tenantLink("/apply")
        return Empty(
            "No resellers yet", #"Invite one, or share <a href="\#(apply)">the address of the application form</a>."#,
            actions: view.may(.post, "/resellers")
                ? "\(Button("Invite a reseller", leadsTo: view.link("/resellers/invite")))" : nil
        ).html
    }
}

/// A reseller, as the admin API shows it.
extension Row {
    /// The company, where it is known, with the person's name.
    var called: String {
        guard let company = text("company"), company != self["name"] else { return self["name"] }
        return "\(company) (\(self["name"]))"
    }

    /// Nothing where all is well.
    var standing: HTML? { self["standing"] == "good" ? nil : "\(State("in_review"))" }

    /// A time of it, as people say it; nil for null.
    func ago(_ name: String, _ view: some PageView) -> HTML? {
        text(name).map { "\(TimeText($0, now: view.visit.call.now))" }
    }
}
