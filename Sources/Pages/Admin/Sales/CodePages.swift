import CallKit
import HTML
import PageKit

/// Activation codes that resellers bought (A2).
extension AdminPages {
    static let codes: [Page] = [
        Page("/codes", "Codes") { view in try CodePages.list(view) }
    ]
}

enum CodePages {
    static func list(_ view: View) throws -> PageContent {
        let list = try view.get("/code-batches", view.asked("cursor"))
        let rows = list.rows()
        let names = try ResellerNames(of: rows, view)
        let currency = rows.first.map { $0["currency"] } ?? ""
        let now = view.visit.call.now
        let table = DataTable(
            caption: "Purchases, newest first",
            columns: [
                Column("Purchase"), Column("Reseller"), Column("Plan"), Column("Days", .number),
                Column("Codes", .number), Column("Redeemed", .number), Column("Each, \(currency)", .number),
                Column("Total, \(currency)", .number), Column("When"),
            ],
            rows: rows.map { row in
                [
                    "<code>\(row["id"])</code>",
                    names.link(row["reseller"], view),
                    #"<a href="\#(view.link("/products", row["product"]))">\#(row["product"])</a>"#, "\(row["days"])",
                    "\(Figure.grouped(row.int("quantity")))", "\(Figure.grouped(row.int("redeemed")))",
                    view.amount(row, "unit_price"), view.amount(row, "total"),
                    "\(TimeText(row["created_at"], now: now))",
                ]
            },
            empty: Empty(
                "No codes yet", "Resellers generate them by the API or in their portal, of plans: products with days.",
                actions: "\(Button("Plans", leadsTo: view.link("/products")))"
            ).html, previous: view.first(), next: view.next(list))
        let search = Form.get(view.link("/codes"), keeping: StockParts.book(view)) {
            """
            \(FormField(
                "Find a code", name: "code", kind: .search, value: view.visit.asked("code"),
                hint: "32 digits, as the customer has it", isRequired: false, autocomplete: "off"))\
            <div class="actions">\(Button("Find"))\(view.clear(["code"]))</div>
            """
        }
        return PageContent("Codes", "\(search)\(try found(view))\(table)")
    }

    private static func found(_ view: View) throws -> HTML? {
        guard let text = view.visit.asked("code") else { return nil }
        let code = text.filter { !$0.isWhitespace }.lowercased()
        // The call that finds it is of both books, and the page of one.
        guard let found = try view.ask("/codes/\(code)"), (found["mode"] == "test") == view.visit.isTest else {
            return Notice(.warn, "<p>There is no such code.</p>").html
        }
        let now = view.visit.call.now
        let names = try ResellerNames(of: [found], view)
        return Panel("Code …\(code.suffix(4))") {
            Facts([
                ("State", "\(State(found["status"]))"),
                ("Reseller", names.link(found["reseller"], view)),
                ("Plan", "\(found["product"]), \(found["days"]) days"), ("Book", "\(found["mode"])"),
                ("Bought", "\(TimeText(found["created_at"], now: now))"),
                ("Redeemed", found.text("redeemed_at").map { "\(TimeText($0, now: now))" }),
                ("By", found.text("subscriber_email").map { "\($0)" }),
                ("Runs until", found.text("ends_at").map { "\(TimeText($0, now: now))" }),
            ]).html
        }.html
    }
}
