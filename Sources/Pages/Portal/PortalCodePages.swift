import CallKit
import HTML
import HTTPCore
import PageKit

/// Activation codes: made, listed, taken along (A3–A5).
extension PortalPages {
    private static let codesAPI = "/api/reseller"

    static let codes: [Page] = [
        Page("/codes", "Codes") { view in try codeList(view) },
        Page("/codes/quote", "Confirm the codes", afterwards: generated) { view in try quotedCodes(view) },
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
            """
            \(view.standing(try view.get("/account")))\(try generator(view))\(tabs)\(found.shown(listed(found.list, view)))
            """)
    }

    private static func listed(_ list: Row, _ view: View) -> HTML {
        let codes = list.rows("codes").map { $0["code"] }
        return "\(codeTable(list, view))\(together(codes, id: "codes", "the codes"))"
    }

    /// What a page of a list shows, to be taken along at once; nil where that is nothing or one.
    static func together(_ texts: [String], id: String, _ label: String) -> HTML? {
        guard texts.count > 1 else { return nil }
        return Panel("These \(texts.count) together") {
            CopyBox(texts.joined(separator: "\n"), id: id, label: label, isBlock: true).html
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
            empty: view.none(
                "codes", ["status"], may: view.may(.post, "/generate", of: codesAPI),
                "Generate some: each is paid from your balance when it is made."),
            previous: page > 1 ? .page(view.visit.here([("page", String(page - 1))])) : nil,
            next: page < list.int("pages") ? view.visit.here([("page", String(page + 1))]) : nil)
    }

    // MARK: Generating

    private static func plans(_ view: View) throws -> [Row] {
        Row(.object([JSONMember(name: "data", value: try view.get("/plans", of: codesAPI).json)])).rows()
    }

    /// Nil for whoever may not.
    private static func generator(_ view: View) throws -> HTML? {
        guard view.may(.post, "/generate", of: codesAPI) else { return nil }
        let plans = try plans(view)
        if plans.isEmpty { return Empty("No plan is offered yet", "Ask for one, and generate codes then.").html }
        let form = Form.get(
            view.link("/codes/quote"), keeping: [(name: "once", value: view.once)] + view.kept("list"), .plain
        ) {
            """
            <div class="fields">\(view.field(
                "Plan", "planId",
                .select(plans.map {
                    .init($0["id"], "\($0["name"]): \($0["days"]) days, \(Amount.grouped($0["wholesalePrice"])) \(view.currency)")
                }), value: view.visit.asked("planId")))\
            \(view.field(
                codesLabel, codesField, .number, value: view.visit.asked(codesField) ?? "1",
                hint: "First you see what they cost.", size: .short))</div>\
            <div class="actions">\(Button("Ask for the price", .primary))</div>
            """
        }
        return Panel("Generate codes") { form }.html
    }

    private static let codesLabel = "Codes"
    private static let codesField = "count"

    /// What so many codes of a plan cost, and what is left then: the second form makes them.
    private static func quotedCodes(_ view: View) throws -> PageContent {
        try view.expects(.post, "/generate", of: codesAPI)
        let back = view.link("/codes")
        let title = "Generate codes"
        // What was typed stands below the refusal.
        if view.visit.attempt != nil { return PageContent(title, "\(shortage(view))\(try generator(view))") }
        let plan = try plans(view).first { $0["id"] == view.visit.asked("planId") }
        guard let plan, let asked = view.visit.asked(codesField) else { return .elsewhere(back) }
        guard let count = Int64(asked), count > 0, let total = amount(of: count, at: plan["wholesalePrice"]) else {
            let field = (label: codesLabel, id: FormField.id(codesField), error: "must be a whole number, 1 or more")
            return PageContent(
                title, problem: Problems("So many codes cannot be made.", fields: [field]), "\(try generator(view))")
        }
        let facts: [(name: String, value: HTML?)] = [
            ("Plan", "\(plan["name"]), \(plan["days"]) days"), ("Codes", "\(asked)"),
            ("Each", "\(Amount(plan["wholesalePrice"], currency: view.currency))"),
        ]
        let costs = try costs(total, view)
        let generate = view.form(
            "POST \(codesAPI)/generate", said: .created, next: back, once: view.visit.asked("once"), isButton: true
        ) {
            """
            \(FormField.hidden("planId", plan["id"]))\(FormField.hidden(codesField, asked))\
            \(FormField.hidden(FormField.total, total))\
            \(Button("Generate for \(Amount.grouped(total)) \(view.currency)", .primary))
            """
        }
        return PageContent(
            "Confirm the codes", sub: "Nothing has been paid yet.",
            """
            \(Panel("What they cost") {
                """
                \(confirmed(facts, costs, by: generate, or: Button("Cancel", .quiet, leadsTo: back), view))
                """
            })
            """
        ).paying(total)
    }

    /// The API's price, so many times; nil where that is beyond all amounts.
    private static func amount(of count: Int64, at price: String) -> String? {
        let digits = price.split(separator: ".").dropFirst().first?.count ?? 0
        return try? Money(parsing: price).times(count).decimal(minorUnitDigits: digits)
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
