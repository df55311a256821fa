import CallKit
import HTML
import HTTPCore
import PageKit

/// Activation codes: made, listed, taken along (A3–A5).
extension PortalPages {
    private static let codesAPI = "/api/reseller"

    static let codes: [Page] = [
        Page("/codes", "Codes", afterwards: generated) { view in try codeList(view) }
    ]

    static let codesDownload = Download("/codes.csv", "/codes.csv", "Download the codes", of: codesAPI)

    private static func codeList(_ view: View) throws -> PageContent {
        let found = try view.found("/codes", view.asked("page", "status"), of: codesAPI)
        let statuses: [(String, String?)] = [("All", nil), ("Available", "available"), ("Redeemed", "redeemed")]
        let tabs = Tabs(
            "State",
            statuses.map { title, status in
                Tabs.Tab(
                    title, view.visit.here([("status", status), ("page", nil)]),
                    isCurrent: view.visit.asked("status") == status)
            })
        let export: HTML? =
            view.may(.get, "/codes.csv", of: codesAPI)
            ? Button("CSV", leadsTo: view.link("/codes.csv", query: view.asked("status"))).html : nil
        return PageContent(
            "Codes", sub: found.isRefused ? nil : "\(Figure.grouped(found.list.int("total"))) in all", actions: export,
            "\(try generator(view))\(tabs)\(found.shown(listed(found.list, view)))")
    }

    private static func listed(_ list: Row, _ view: View) -> HTML { "\(codeTable(list, view))\(together(list))" }

    /// The codes of this page of the list, to be taken along at once.
    private static func together(_ list: Row) -> HTML? {
        let codes = list.rows("codes").map { $0["code"] }
        guard codes.count > 1 else { return nil }
        return Panel("These \(codes.count) together") {
            CopyBox(codes.joined(separator: "\n"), id: "codes", label: "the codes", isBlock: true).html
        }.html
    }

    private static func codeTable(_ list: Row, _ view: View) -> DataTable {
        let page = list.int("page")
        return DataTable(
            caption: "Codes, newest first",
            columns: [
                Column("Code"), Column("Plan"), Column("Days", .number), Column("State"), Column("Redeemed by"),
                Column("Made"),
            ],
            rows: list.rows("codes").map { code in
                let isRedeemed = code.text("redeemed_at") != nil
                return [
                    "<code>\(code["code"])</code>", "\(code["plan_id"])", "\(code["days"])",
                    "\(State(isRedeemed ? "redeemed" : "available"))", "\(code["redeemed_by"])",
                    view.moment(code["created_at"]),
                ]
            },
            empty: Empty("No codes", "Generate some: each is paid from your balance when it is made.").html,
            previous: page > 1 ? .page(view.visit.here([("page", String(page - 1))])) : nil,
            next: page < list.int("pages") ? view.visit.here([("page", String(page + 1))]) : nil)
    }

    private static func generator(_ view: View) throws -> HTML? {
        guard view.may(.post, "/generate", of: codesAPI) else { return nil }
        let plans = Row(.object([JSONMember(name: "data", value: try view.get("/plans", of: codesAPI).json)])).rows()
        if plans.isEmpty { return Empty("No plan is offered yet", "Ask for one, and generate codes then.").html }
        let form = view.form("POST \(codesAPI)/generate", said: .created) {
            """
            <div class="fields">\(view.field(
                "Plan", "planId",
                .select(plans.map {
                    .init($0["id"], "\($0["name"]): \($0["days"]) days, \(Amount.grouped($0["wholesalePrice"])) \(view.currency)")
                })))\
            \(view.field("Codes", "count", .number, value: "1", size: .short))</div>\
            <div class="actions">\(Button("Generate", .primary))</div>
            """
        }
        return Panel("Generate codes") { form.html }.html
    }

    /// The new ones together, to be taken along.
    @Sendable private static func generated(_ visit: Visit, _ call: FormCall, _ row: Row) -> PageContent? {
        let codes = row.rows("codes")
        if codes.isEmpty { return nil }
        let currency = visit.call.tenant.profile.currency
        let text = codes.map { "\($0["code"])\t\($0["url"])" }.joined(separator: "\n")
        return PageContent(
            "Codes",
            sub: """
                \(codes.count) new · \(Amount(row["totalCost"], currency: currency)) paid · \
                balance \(Amount(row["newBalance"], currency: currency))
                """,
            """
            \(Panel("Take them along") { CopyBox(text, id: "codes", label: "the codes", isBlock: true).html })\
            <p>\(Button("All codes", leadsTo: visit.link("/codes")))</p>
            """)
    }
}
