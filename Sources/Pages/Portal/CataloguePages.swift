import CallKit
import HTML
import HTTPCore
import PageKit

/// What a reseller may sell and to whom it has sold (W2, W6).
extension PortalPages {
    static let products: [Page] = [
        Page("/products", "Products") { view in
            let account = try view.get("/account")
            let list = try view.get("/products", view.asked("cursor") + [("limit", "50")])
            var units: [String: Int] = [:]
            let isWhole = try view.pages("/holdings") { rows in
                for row in rows { units[row["product"]] = row.int("held") }
                return list.rows().allSatisfy { units[$0["product"]] != nil }
            }
            let held = { [units] (sku: String) -> Int? in units[sku] ?? (isWhole ? 0 : nil) }
            let currency = list.rows().first?["currency"] ?? ""
            let terms = Word.terms.filter { term in list.rows().contains { $0.row("terms")?.row(term) != nil } }
            let table = DataTable(
                caption: "Your price list",
                columns: [Column("Product"), Column("Sku", .id), Column("Set up")]
                    + terms.map { Column("\($0 == "hourly" ? "An" : "A") \(Word.term($0))", .number) }
                    + [Column("Setup fee", .number), Column("You hold"), Column("What to do", .buttons)],
                rows: list.rows().map { product($0, terms, held, view) },
                empty: Empty("Nothing is priced for you yet", "As soon as it is, it is here.").html,
                previous: view.first(), next: view.next(list))
            return PageContent(
                "Products",
                sub: currency.isEmpty ? nil : "Prices of one unit in \(currency), with your discount taken off",
                "\(view.standing(account))\(table)")
        }
    ]

    private static func product(_ product: Row, _ terms: [String], _ held: (String) -> Int?, _ view: View) -> [HTML] {
        let sku = product["product"]
        let prices = terms.map { term in
            product.row("terms")?.row(term).map(price) ?? "<span class=\"sub\">–</span>"
        }
        let order: HTML =
            view.may(.post, "/orders")
            ? Button("Order", leadsTo: view.link("/orders/new", query: [("product", sku)])).html : ""
        return ["\(product["name"])", "<code>\(sku)</code>", "\(Word.fulfilment(product["fulfilment"]))"] + prices
            + ["\(Amount(product["setup_fee"]))", units(held(sku), of: product), order]
    }

    /// How many are held, of how many; nil: nobody has counted them.
    private static func units(_ count: Int?, of product: Row) -> HTML {
        guard let count else { return "–" }
        guard let cap = product.text("max_quantity").flatMap({ Int($0) }) else { return "\(Figure.grouped(count))" }
        return Meter(count, of: cap).html
    }

    /// What a unit costs, and the list price where that is another.
    private static func price(_ term: Row) -> HTML {
        guard let net = term.text("net") else { return "\(Amount(term["wholesale"]))" }
        let list: HTML = #"<br><span class="sub">list <del>\#(Amount(term["wholesale"]))</del></span>"#
        return "\(Amount(net))\(if: net != term["wholesale"], list)"
    }

    static let customers: [Page] = [
        Page("/customers", "Customers") { view in
            let found = try view.found("/customers", view.asked("external_id", "cursor") + [("limit", "50")])
            let table = DataTable(
                caption: "Customers",
                columns: [
                    Column("Your id"), Column("Name"), Column("E-mail"), Column("Since"), Column("Our id", .id),
                    Column("What there is", .buttons),
                ],
                rows: found.rows.map { customer in
                    let id = customer["external_id"]
                    return [
                        view.row(id, view.link("/services", query: [("customer", id)])), "\(customer["name"])",
                        "\(customer["email"])", view.when(customer["created_at"]), "<code>\(customer["id"])</code>",
                        """
                        \(Button("Orders", .quiet, leadsTo: view.link("/orders", query: [("customer", id)])))\
                        \(Button("Services", .quiet, leadsTo: view.link("/services", query: [("customer", id)])))
                        """,
                    ]
                },
                empty: view.visit.asked("external_id") == nil
                    ? Empty("No customers yet", "A customer is made by the first order for it.").html
                    : Empty(
                        "No customer has this id",
                        actions: Button("All customers", leadsTo: view.link("/customers")).html
                    ).html, previous: view.first(), next: view.next(found.list))
            let search = Form.get(view.link("/customers"), keeping: view.kept()) {
                """
                \(FormField(
                    "Your id of the customer", name: "external_id", kind: .search,
                    value: view.visit.asked("external_id"), isRequired: false))\
                <div class="actions">\(Button("Find"))\(view.clear(["external_id"]))</div>
                """
            }
            let standing = view.standing(try view.get("/account"))
            return PageContent("Customers", "\(standing)\(search)\(found.shown(table.html))")
        }
    ]
}
