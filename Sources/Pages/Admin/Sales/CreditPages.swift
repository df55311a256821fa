import CallKit
import HTML
import HTTPCore
import PageKit

/// What panels report of their credits (C3, O8). Where the tenant has credit reports.
extension AdminPages {
    static let credits: [Page] = [
        Page("/credits", "Credit events") { view in
            try view.visit.needs(dialect: creditReports)
            let found = try view.found("/credit-events", view.asked("reseller", "external_ref", "cursor"))
            let names = try ResellerNames(of: found.rows, view)
            let resellers = try ResellerChoice(view).filter(view)
            let money = found.currency.map { "Amount, \($0)" } ?? "Amount"
            let table = DataTable(
                caption: "Credit events, newest first",
                columns: [
                    Column("Event", .id), Column("Reseller"), Column("Kind"), Column("Reference"),
                    Column(money, .number),
                    Column("Reported"),
                ],
                rows: found.rows.map { event in
                    [
                        view.idLink("/credits", event["id"]), names.link(event["reseller"], view), "\(event["kind"])",
                        "<code>\(view.cut(event["external_ref"]))</code>", view.amount(event, "amount"),
                        "\(view.ago(event["at"]))",
                    ]
                },
                empty: view.nothing(
                    "No credit events", "Panels report top-ups, purchases and renewals by their API.",
                    filters: ["reseller", "external_ref"]),
                previous: view.first(), next: view.next(found.list))
            return PageContent(
                "Credit events", sub: "Reported once, and never changed.",
                actions: "\(Button("Reconciliations", leadsTo: view.link("/reconciliations")))",
                """
                \(view.filters("/credits", keeping: [], [
                    resellers, view.filter("Reference", "external_ref"),
                ]))\(found.shown(table.html))
                """)
        },
        Page("/credits/{id}", "Credit event") { view in
            try view.visit.needs(dialect: creditReports)
            let event = try view.get("/credit-events/\(view.visit.parameter())")
            return one(event, try ResellerNames(of: [event], view), view)
        },
    ]

    static let creditReports = "credit_reports"

    private static func one(_ event: Row, _ names: ResellerNames, _ view: View) -> PageContent {
        let told = event.rows("differences")
        let first = event["amount"]
        let differences: HTML =
            told.isEmpty
            ? ""
            : Panel("Reported again with another content") {
                """
                <p>The first report counts. Each difference opened an account review.</p>\
                \(DataTable(
                    caption: "Later reports of the same reference",
                    columns: [
                        Column("When"), Column("Kind"), Column("First, \(event["currency"])", .number),
                        Column("Then, \(event["currency"])", .number), Column("Meta"),
                    ],
                    rows: told.map { other in
                        let (here, there) = Differing.marked(first, other["amount"])
                        return [
                            "\(TimeText(other["at"]))", "\(other["kind"])", here, there,
                            "<code>\(view.cut(meta(other)))</code>",
                        ]
                    }, empty: ""))
                """
            }.html
        return PageContent(
            "\(kind(event["kind"])) of \(Amount.grouped(first)) \(event["currency"])",
            sub: #"<a href="\#(view.link("/credits"))">Credit events</a> · <code>\#(event["id"])</code>"#,
            """
            \(Panel("Event") {
                Facts([
                    ("Reseller", names.link(event["reseller"], view)), ("Reference", "<code>\(event["external_ref"])</code>"),
                    ("Key", event.text("key").map { view.idLink("/keys", $0) }), ("Reported", TimeText(event["at"]).html),
                    ("Meta", "<code>\(meta(event))</code>"),
                ]).html
            })\(differences)
            """)
    }

    private static func kind(_ word: String) -> String {
        word == "topup" ? "Top-up" : word.prefix(1).uppercased() + word.dropFirst()
    }

    private static func meta(_ row: Row) -> String {
        String(decoding: (row.json["meta"] ?? .null).encoded(), as: UTF8.self)
    }
}

extension Visit {
    /// A page of a dialect that the tenant has not is not there.
    func needs(dialect: String) throws {
        if !has(dialect: dialect) { throw Refusal.notFound(.path) }
    }
}

/// Two amounts that differ, each with the digits marked in which they do.
enum Differing {
    static func marked(_ here: String, _ there: String) -> (here: HTML, there: HTML) {
        if here == there { return ("\(here)", "\(there)") }
        // Of one length the head says where they part; of two lengths the whole amount differs.
        let shared = here.count == there.count ? zip(here, there).prefix { $0 == $1 }.count : 0
        let split = { (text: String) -> HTML in
            #"<span class="n">\#(text.prefix(shared))<ins>\#(text.dropFirst(shared))</ins></span>"#
        }
        return (split(here), split(there))
    }
}
