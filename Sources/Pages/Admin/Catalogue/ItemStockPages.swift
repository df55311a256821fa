import CallKit
import HTML
import HTTPCore
import PageKit

/// Items that orders take from: keys, logins, links (O4).
extension AdminPages {
    static let stockItems: [Page] = [
        Page(inSteps: "/stock/items", "Items") { view in
            let levels = try await StockParts.levels("items", view)
            return try await view.reading { try ItemStockPages.products($0, levels) }
        },
        Page("/stock/items/{sku}", "Items of a product", bodyBytesMax: StockParts.fileBytesMax) { view in
            try ItemStockPages.one(view)
        },
        Page(
            "/stock/items/{sku}/import", "Import items", asks: "POST /products/{sku}/stock",
            bodyBytesMax: StockParts.fileBytesMax
        ) { view in
            try ItemStockPages.importing(view)
        },
    ]
}

enum ItemStockPages {
    static func products(_ view: View, _ levels: HTML) throws -> PageContent {
        let list = try view.get("/products", [("fulfilment", "stock"), ("limit", "100")] + view.asked("cursor"))
        let table = DataTable(
            caption: "Products that are sold from stock", columns: [Column("Product"), Column("SKU"), Column("State")],
            rows: list.rows().map { row in
                [
                    #"<a href="\#(view.link("/stock/items", row["sku"]))">\#(row["name"])</a>"#,
                    "<code>\(row["sku"])</code>",
                    "\(row["hidden"] == "true" ? State("hidden", tone: .quiet) : State("on sale", tone: .good))",
                ]
            },
            empty: Empty(
                "No product is sold from stock",
                "A product with the fulfilment “stock” has items that orders take: keys, logins, links.",
                actions: view.may(.post, "/products")
                    ? "\(Button("New product", .primary, leadsTo: view.link("/products/new")))" : nil
            ).html, previous: view.first(), next: view.next(list))
        return PageContent("Items", sub: "What orders of a product take from.", "\(levels)\(table)")
    }

    static func one(_ view: View) throws -> PageContent {
        let sku = view.visit.parameter()
        let path = "/products/\(sku)/stock"
        let counts = try view.get(path)
        let list = try view.get("\(path)/items", view.asked("cursor"))
        let mayWrite = view.may(.post, path)
        if mayWrite, let item = list.rows().first(where: { $0["id"] == view.visit.asked("withdraw") && isFree($0) }) {
            return withdrawal(of: item["id"], from: sku, view)
        }
        let now = view.visit.call.now
        let table = DataTable(
            caption: "Items, oldest first",
            columns: [Column("Item"), Column("State"), Column("Came"), Column("Service"), Column("Actions", .buttons)],
            rows: list.rows().map { row in
                let id = row["id"]
                let withdraw: HTML? =
                    mayWrite && isFree(row)
                    ? Button("Withdraw…", .quiet, leadsTo: view.visit.here([("withdraw", id)])).html : nil
                return [
                    "<code>\(id)</code>", "\(state(row))", "\(TimeText(row["created_at"], now: now))",
                    row.text("service").map { #"<a href="\#(view.link("/services", $0))">\#($0)</a>"# } ?? "",
                    withdraw ?? "",
                ]
            },
            empty: Empty(
                "Nothing in stock", "Orders for it are refused as out of stock.",
                actions: mayWrite
                    ? "\(Button("Import", .primary, leadsTo: view.link("/stock/items", sku, "import")))" : nil
            ).html, previous: view.first(), next: view.next(list))
        let facts = Facts(
            isRow: true,
            ["free", "sold", "withdrawn"].map { name in
                (name.capitalized, "\(Figure.grouped(counts.int(name)))")
            })
        return PageContent(
            "Items of \(sku)",
            sub: """
                <a href="\(view.link("/stock/items"))">Items</a> · <a href="\(view.link("/products", sku))">Product</a>
                """,
            actions: mayWrite
                ? "\(Button("Import", .primary, leadsTo: view.link("/stock/items", sku, "import")))" : nil,
            "\(facts)\(table)")
    }

    private static func isFree(_ row: Row) -> Bool {
        row.text("sold_at") == nil && row.text("withdrawn_at") == nil
    }

    private static func withdrawal(of id: String, from sku: String, _ view: View) -> PageContent {
        let back = view.visit.here([("withdraw", nil)])
        return view.confirmation(
            "Withdraw an item", sub: #"<a href="\#(back)">Items of \#(sku)</a> · <code>\#(id)</code>"#,
            """
            <ul><li>No order takes it any more, and it is not put back: import it again to sell it.</li>
            <li>Orders of \(sku) that find no other item are refused as out of stock.</li></ul>
            """, button: "Withdraw this item", "DELETE /products/\(sku)/stock/items/\(id)", said: .removed, back: back)
    }

    private static func state(_ row: Row) -> State {
        if row.text("sold_at") != nil { return State("sold", tone: .info) }
        return row.text("withdrawn_at") != nil ? State("withdrawn", tone: .quiet) : State("free", tone: .good)
    }

    static func importing(_ view: View) throws -> PageContent {
        let sku = view.visit.parameter()
        let product = try view.get("/products/\(sku)")
        return PageContent(
            "Import items of \(sku)", sub: #"<a href="\#(view.link("/stock/items", sku))">\#(product["name"])</a>"#,
            problem: StockParts.problem(view),
            StockParts.importForm(
                "POST /products/\(sku)/stock", next: view.link("/stock/items", sku),
                example: """
                    item
                    CP-0001-AAAA
                    CP-0002-BBBB
                    """,
                about: """
                    <p>One column, <code>item</code>: what a customer gets. Items are sealed; nobody sees them here \
                    again. \
                    One that is there already refuses the whole file.</p>
                    """, view))
    }
}
