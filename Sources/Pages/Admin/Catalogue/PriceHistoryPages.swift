import CallKit
import HTML
import PageKit

/// One price, and who changed which (O4).
enum PriceHistoryPages {
    /// All changes, newest first.
    static func all(_ view: View) throws -> PageContent {
        let found = try view.found(
            "/price-history", view.asked("reseller", "product", "from", "to", "cursor") + [("limit", "50")])
        let names = try ResellerNames(of: found.rows, view)
        let filters = view.filters(
            "/prices/history", keeping: [],
            [
                try ResellerChoice(view).filter(view), view.filter("Product", "product"),
                view.filter("From", "from", .date), view.filter("Before", "to", .date),
            ])
        return PageContent(
            "Changes of prices", sub: #"<a href="\#(view.link("/prices"))">Prices</a>"#,
            """
            \(filters)\(found.shown(#"<section class="panel">\#(history(found.list, names, view))</section>"#))\
            \(Pager("Pages of changes", previous: view.first(), next: view.next(found.list)))
            """)
    }

    /// `names`: of the resellers whose prices they are; nil where all are of one price. `proofs`: of a row's place in
    /// the audit log, by the request that made the change.
    static func history(
        _ list: Row, _ names: ResellerNames?, _ view: View, proofs: [String: Proof] = [:]
    ) -> HTML {
        let changes = list.rows().map { row in
            var change = change(of: row, names, view)
            change.proof = change.requestID.flatMap { proofs[$0] }
            return change
        }
        let proof = try? view.ask("/audit/head")
        return History(changes, empty: "Nobody has changed a price here yet.", proof: proof ?? nil, view).html
    }

    private static func change(of row: Row, _ names: ResellerNames?, _ view: View) -> History.Change {
        let (old, new) = (row.row("from"), row.row("to"))
        let values = SheetColumn.all.compactMap { column -> HTML? in
            let (was, now) = (old?.text(column.name), new?.text(column.name))
            guard was != now else { return nil }
            return "\(column.title) \(PriceChangeText(column, from: was, to: now))"
        }
        let gone: [HTML] = new == nil ? ["taken away"] : values
        let link = view.link("/prices", row["reseller"], row["sku"])
        return History.Change(
            at: row["at"], who: who(row),
            about: names.map { #"<a href="\#(link)">\#(row["sku"])</a> for \#($0.link(row["reseller"], view))"# },
            values: gone, requestID: row.text("request_id"))
    }

    private static func who(_ row: Row) -> String {
        let person = row.text("account") ?? row.text("key")
        let way =
            switch row["way"] {
            case "file": "by the price sheet or a file"
            case "setup": "as the tenant was set up"
            case "restore": "by a restore"
            case "earlier": "before changes were kept"
            default: ""
            }
        return [person, way].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    /// So many changes of a price stand on its page, each with its proof.
    private static let shownMax = "10"

    static func changes(_ view: View) throws -> Row {
        let (reseller, sku) = (view.visit.parameter(0), view.visit.parameter(1))
        return try view.get(
            "/resellers/\(reseller)/products/\(sku)/history",
            [("cursor", view.visit.asked("cursor")), ("limit", shownMax)])
    }

    /// One reseller's price of one product.
    static func one(_ view: View, _ changes: Row, _ proofs: [String: Proof]) throws -> PageContent {
        let (reseller, sku) = (view.visit.parameter(0), view.visit.parameter(1))
        let path = "/resellers/\(reseller)/products/\(sku)"
        let product = try view.get("/products/\(sku)")
        let owner = try view.get("/resellers/\(reseller)")
        let price = try view.ask(path)
        let name = owner.text("company") ?? owner["name"]
        let facts = Facts([
            ("Product", #"<a href="\#(view.link("/products", sku))">\#(product["name"])</a>"#),
            ("Reseller", #"<a href="\#(view.link("/resellers", reseller))">\#(name)</a>"#),
            ("Own discount", "\(owner["default_discount_rate"]) %"),
            ("Currency", "\(product["currency"])"),
        ])
        let isOn = price.map { $0["is_enabled"] == "true" }
        let remove: HTML? =
            view.visit.isTest && price != nil && view.may(.delete, path)
            ? view.button("Go by the live price again", "DELETE \(path)", said: .removed).html : nil
        let body: HTML =
            view.may(.put, path) ? "\(form(path, price, product, view))\(remove)" : "\(terms(price))"
        return PageContent(
            "\(sku) for \(name)",
            sub: #"<a href="\#(view.seen("/prices", or: [("reseller", reseller)]))">Prices</a> · \#(state(isOn))"#,
            """
            <div class="cols"><section class="panel" aria-labelledby="price"><h2 \
            id="price">Price</h2>\(facts)\(body)</section>\
            <section class="panel" aria-labelledby="who"><h2 id="who">Who changed this</h2>\
            \(history(changes, nil, view, proofs: proofs))\
            \(Pager("Pages of changes", previous: view.first(), next: view.next(changes)))</section></div>
            """)
    }

    private static func state(_ isOn: Bool?) -> State {
        switch isOn {
        case true?: State("on", tone: .good)
        case false?: State("off", tone: .quiet)
        case nil: State("not priced", tone: .quiet)
        }
    }

    private static func terms(_ price: Row?) -> HTML {
        let facts = SheetColumn.all.map { column -> (name: String, value: HTML?) in
            (column.title, price?.text(column.name).map { "\($0)" })
        }
        return Facts(facts).html
    }

    private static func form(_ path: String, _ price: Row?, _ product: Row, _ view: View) -> Form {
        view.form("PUT \(path)", said: .saved) {
            // What is priced already is shown, whatever the tenant sells.
            let offered = SheetColumn.offered(view)
            let amounts = SheetColumn.all.filter { column in
                ![.on, .cap, .override].contains(column)
                    && (offered.contains(column) || price?.text(column.name) != nil)
            }
            let fields = amounts.map { column -> HTML in
                let list = column.list.flatMap { product.row("list")?.text($0) }
                return view.field(
                    column.title, column.name, .decimal, value: price?.text(column.name), unit: view.currency,
                    hint: list.map { "List price \($0)" }, isRequired: false, size: .short
                ).html
            }
            return """
                \(FormField.hidden(SheetColumn.on.name, "false"))<div class="fields">\(fields)</div>
                <div class="fields">\(view.field(
                    "Discount", SheetColumn.override.name, .decimal,
                    value: price?.text(SheetColumn.override.name), unit: "%",
                    hint: "In place of the reseller's own", isRequired: false, size: .short))\
                \(view.field(
                    "Cap", SheetColumn.cap.name, .number, value: price?.text(SheetColumn.cap.name),
                    hint: "Units held at once", isRequired: false, size: .short))</div>
                \(view.field(
                    "Offered to the reseller", SheetColumn.on.name, .checkbox,
                    value: price.map { $0["is_enabled"] } ?? "true", isRequired: false))
                <div class="actions">\(Button("Save", .primary))</div>
                """
        }
    }
}
