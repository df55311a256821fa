import CallKit
import HTML
import HTTPCore
import PageKit

/// The catalogue (O4): products, each on a page of its own, and all of them as a file.
extension AdminPages {
    static let products: [Page] = [
        Page("/products", "Products") { view in try ProductPages.list(view) },
        Page("/products/new", "New product", asks: "POST /products") { view in ProductPages.new(view) },
        Page(
            "/products/import", "Import products", asks: "POST /products.csv",
            bodyBytesMax: PriceSheetPages.fileBytesMax,
            afterwards: ProductReview.content
        ) { view in ProductPages.importing(view) },
        Page(inSteps: "/products/{sku}", "Product") { view in
            let sku = view.visit.parameter()
            let changes = try await ChangesPart([("product", sku)], view)?.html
            return try await view.reading { try ProductPages.one($0, changes) }
        },
    ]

    static let productDownloads = [Download("/products.csv", "/products.csv", "All products")]
}

enum ProductPages {
    static let trial = "POST /products.csv?dry_run=true"

    static func list(_ view: View) throws -> PageContent {
        let query = (filters + ["cursor"]).map { ($0, view.visit.asked($0)) }
        let found = try view.found("/products", query)
        let rows = found.rows
        let isOfCodes = rows.contains { $0.text("days") != nil }
        let mayMake = view.may(.post, "/products")
        var columns = [
            Column("Name"), Column("SKU"), Column("Fulfilment"), Column("State"),
            view.money("List price a month"),
        ]
        if isOfCodes { columns += [Column("Days", .number), view.money("Retail price")] }
        let table = DataTable(
            caption: "Products", columns: columns,
            rows: rows.map { line($0, isOfCodes, view) },
            empty: view.isFiltered(filters)
                ? view.nothing("No products here", "", filters: filters)
                : Empty(
                    "No products yet", "A product has a SKU, a name, and a way in which its orders are carried out.",
                    actions: mayMake ? "\(Button("New product", .primary, leadsTo: view.link("/products/new")))" : nil
                ).html, previous: view.first(), next: view.next(found.list))
        return PageContent(
            "Products",
            actions: """
                \(if: view.may(.get, "/products.csv"), "\(Button("Export CSV", leadsTo: view.link("/products.csv")))")\
                \(if: mayMake, """
                    \(Button("Import CSV", leadsTo: view.link("/products/import")))\
                    \(Button("New product", .primary, leadsTo: view.link("/products/new")))
                    """)
                """, "\(filterForm(view))\(found.shown(table.html))")
    }

    private static let filters = ["q", "hidden", "fulfilment"]

    private static func filterForm(_ view: View) -> HTML {
        let ways = [FormField.Option("", "Any")] + fulfilments.map { FormField.Option($0.name) }
        return view.filters(
            "/products", keeping: [],
            [
                view.filter("Begins with", "q", hint: "Its SKU or its name"),
                view.filter(
                    "State", "hidden", .select([.init("", "Any"), .init("false", "On sale"), .init("true", "Hidden")])),
                view.filter("Fulfilment", "fulfilment", .select(ways)),
            ])
    }

    private static func line(_ row: Row, _ isOfCodes: Bool, _ view: View) -> [HTML] {
        [
            #"<a href="\#(view.link("/products", row["sku"]))">\#(row["name"])</a>"#, "<code>\(row["sku"])</code>",
            "\(row["fulfilment"])", "\(state(row))", "\(Amount(row.row("list")?.text("monthly") ?? "–"))",
        ] + (isOfCodes ? ["\(row.text("days") ?? "–")", "\(Amount(row.text("retail_price") ?? "–"))"] : [])
    }

    private static func state(_ row: Row) -> State {
        row["hidden"] == "true" ? State("hidden", tone: .quiet) : State("on sale", tone: .good)
    }

    // MARK: One product

    static func new(_ view: View) -> PageContent {
        let form = view.form("POST /products", said: .created, next: view.link("/products")) {
            """
            \(view.field("SKU", "sku", hint: "Its name for ever: small letters, digits, dashes.", autocomplete: "off"))\
            \(fields(nil, view))<div class="actions">\(Button("Create", .primary))\
            \(Button("Cancel", .quiet, leadsTo: view.link("/products")))</div>
            """
        }
        return PageContent(
            "New product", sub: #"<a href="\#(view.link("/products"))">Products</a>"#,
            #"<section class="panel">\#(form)</section>"#)
    }

    static func one(_ view: View, _ changes: HTML?) throws -> PageContent {
        let sku = view.visit.parameter()
        let path = "/products/\(sku)"
        let product = try view.get(path)
        let mayWrite = view.may(.patch, path)
        let form = view.form("PATCH \(path)", said: .saved) {
            "\(fields(product, view))<div class=\"actions\">\(Button("Save", .primary))</div>"
        }
        let facts = Facts([
            ("Fulfilment", "\(product["fulfilment"])"), ("Days", product.text("days").map { "\($0)" }),
            ("Retail price", product.text("retail_price").map { Amount($0, currency: view.currency).html }),
            ("Made", "\(TimeText(product["created_at"], now: view.visit.call.now))"),
            ("Changed", "\(TimeText(product["updated_at"], now: view.visit.call.now))"),
        ])
        let links: HTML = """
            \(Button("Prices", leadsTo: view.link("/prices", query: [("by", "product"), ("product", sku)])))\
            \(if: product["fulfilment"] == "stock",
                "\(Button("Stock", leadsTo: view.link("/stock/items", sku)))")\
            \(if: product["fulfilment"] == "http" && view.may(.put, "\(path)/provisioning"),
                "\(Button("Provisioner", leadsTo: view.link("/products", sku, "provisioner")))")
            """
        return PageContent(
            product["name"],
            sub: """
                <a href="\(view.link("/products"))">Products</a> · <code>\(sku)</code> · \(state(product))
                """, actions: links,
            """
            <div class="cols wide"><section class="panel" aria-labelledby="what"><h2 id="what">Product</h2>\
            \(mayWrite ? form.html : facts.html)</section>\
            <div>\(Panel("Facts") { facts.html })\(changes)</div></div>
            """)
    }

    private static let fulfilments = [
        (name: "instant", about: "active at once"),
        (name: "manual", about: "an operator activates or rejects each order"),
        (name: "http", about: "a provisioner is asked"), (name: "stock", about: "from items that you import"),
    ]

    private static func fields(_ product: Row?, _ view: View) -> HTML {
        let list = product?.row("list")
        let prices = SheetColumn.all.compactMap { column -> HTML? in
            guard let name = column.list else { return nil }
            return view.field(
                column.title, "list.\(name)", .decimal, value: list?.text(name), unit: view.currency, isRequired: false,
                size: .short
            ).html
        }
        return """
            \(FormField.hidden("hidden", "false"))\(view.field("Name", "name", value: product?["name"], size: .wide))\
            \(view.field(
                "Fulfilment", "fulfilment",
                .select(fulfilments.map { FormField.Option($0.name, "\($0.name): \($0.about)") }),
                value: product?["fulfilment"]))\
            \(view.field(
                "Hidden: nobody is offered it", "hidden", .checkbox, value: product?["hidden"], isRequired: false))
            <fieldset><legend>List prices</legend><p class="hint">What the test book asks of resellers that have no \
            price \
            of their own. The live book never sells by them.</p><div class="fields">\(prices)</div></fieldset>
            <fieldset><legend>A plan of activation codes</legend><div class="fields">\
            \(view.field("Days", "days", .number, value: product?.text("days"), isRequired: false, size: .short))\
            \(view.field(
                "Retail price", "retail_price", .decimal, value: product?.text("retail_price"), unit: view.currency,
                isRequired: false, size: .short))\
            \(view.field(
                "Wholesale price", "wholesale_price", .decimal, value: product?.text("wholesale_price"),
                unit: view.currency, hint: "Where a reseller has none of its own", isRequired: false,
                size: .short))</div></fieldset>
            """
    }

    // MARK: A file

    static func importing(_ view: View) -> PageContent {
        let form = view.form(trial, sendsFiles: true) {
            """
            \(FormField.hidden("_type", "text/csv"))\
            \(view.field("CSV file", "_file", .file(".csv,.tsv,text/csv"), isRequired: false))\
            \(view.field("Or its text", "_body", .textarea(rows: 12), isRequired: false, size: .wide))
            <div class="actions">\(Button("Review changes", .primary))\
            \(Button("Cancel", .quiet, leadsTo: view.link("/products")))</div>
            """
        }
        let faults = SheetErrors(view.visit.attempt?.refusal?.fieldErrors ?? []).faults
        return PageContent(
            "Import products", sub: #"<a href="\#(view.link("/products"))">Products</a>"#,
            problem: faults.isEmpty ? nil : FileProblems(faults).problems,
            """
            <section class="panel">\(form)</section>
            <section class="panel" aria-labelledby="format"><h2 id="format">What a file looks like</h2>
            <p>It has the column <code>sku</code> and at least one more. A SKU that is not known is a new product and \
            needs \
            <code>name</code> and <code>fulfilment</code>. What the file does not have stays as it is.</p>
            <pre class="code"><code>sku,name,fulfilment,hidden,list_monthly,list_annual
            vps-s,"VPS S, 1 vCPU",instant,false,5.00,50.00
            metal-1,Bare metal,manual,false,79.00,</code></pre>
            <p class="sub">More columns: days, retail_price, wholesale_price, list_quarterly, list_semi_annual, \
            list_hourly, list_setup_fee.</p></section>
            """)
    }
}
