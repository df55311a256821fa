import CallKit
import HTML
import HTTPCore
import PageKit

/// The price book (O4): a sheet, what is about to be changed in it, and who changed what.
extension AdminPages {
    static let prices: [Page] = [
        Page(
            "/prices", "Prices", bodyBytesMax: PriceSheetPages.bodyBytesMax, compose: PriceSheetPages.compose,
            afterwards: PriceReview.judge, afterwardsReading: PriceReview.content
        ) { view in try PriceSheetPages.content(view) },
        Page(
            "/prices/import", "Import prices", asks: "POST /price-book.csv", bodyBytesMax: PriceSheetPages.fileBytesMax,
            afterwards: PriceReview.judge, afterwardsReading: PriceReview.content
        ) { view in try PriceSheetPages.importing(view) },
        Page("/prices/history", "Changes of prices") { view in try PriceHistoryPages.all(view) },
        Page(inSteps: "/prices/{reseller}/{sku}", "Price") { view in
            let changes = try await view.reading { try PriceHistoryPages.changes($0) }
            let proofs = try await Proof.all(of: changes.rows(), view)
            return try await view.reading { try PriceHistoryPages.one($0, changes, proofs) }
        },
    ]

    static let priceDownloads = [Download("/prices.csv", "/price-book.csv", "The price book")]
}

enum PriceSheetPages {
    static let bodyBytesMax = 1 << 20
    /// What a file becomes goes along from the trial to the change.
    static let fileBytesMax = 4 << 20
    static let trial = "POST /price-book.csv?dry_run=true&effect_days=90"

    /// So many rows of one request; a sheet has those of two.
    private static let listed = 100
    /// What a page has room for (150 KB), less its frame and what else is on it: bytes.
    private static let roomBytes = 150_000 - 21_000
    private static let roomBytesMin = 20_000
    private static let statusMoved = 412

    /// The fields of a sheet are a file of prices. What is applied is the file that was tried.
    static func compose(_ visit: Visit, _ form: FormInput) throws -> FormCall? {
        guard form["_body"] == nil, let sheet = SheetInput(form.pairs) else { return nil }
        var call = try FormCall(form, of: visit)
        call.body = Array(sheet.csv.utf8)
        call.fields = [("Content-Type", "text/csv")]
        return call
    }

    // MARK: The sheet

    static func content(_ view: View) throws -> PageContent {
        if let attempt = view.visit.attempt, attempt.refusal?.status == statusMoved {
            return try PriceReview.moved(attempt, view)
        }
        let isByProduct =
            view.visit.asked("by") == "product"
            || view.visit.asked("product") != nil && view.visit.asked("reseller") == nil
        let picker = try isByProduct ? Picker.products(view) : Picker.resellers(view)
        let tabs = Tabs(
            "What the rows are",
            [
                Tabs.Tab("One reseller, all products", view.link("/prices"), isCurrent: !isByProduct),
                Tabs.Tab(
                    "One product, all resellers", view.link("/prices", query: [("by", "product")]),
                    isCurrent: isByProduct),
            ])
        let typed = view.visit.attempt.flatMap { SheetInput($0.pairs) }
        let errors = SheetErrors(view.visit.attempt?.refusal?.fieldErrors ?? [])
        let room = max(roomBytesMin, roomBytes - picker.html.bytes.count)
        let shown = try picker.chosen.map { chosen in
            try Found.shown { try sheet(of: chosen, isByProduct, typed, errors.faults, room: room, view) }
        }
        return PageContent(
            "Prices", sub: "What each reseller pays, by the term.", actions: actions(view),
            scripts: [Assets.sheet.link], problem: problem(errors.faults, typed, view),
            "\(tabs)\(picker.html)\(shown ?? picker.empty)")
    }

    private static func actions(_ view: View) -> HTML {
        let mayRead = !view.visit.isTest && view.may(.get, "/price-book.csv")
        return """
            \(Button("Changes", .quiet, leadsTo: view.link("/prices/history")))\
            \(if: mayRead, "\(Button("Export CSV", leadsTo: view.link("/prices.csv")))")\
            \(if: mayWrite(view), "\(Button("Import CSV", leadsTo: view.link("/prices/import")))")
            """
    }

    /// The file is the live book's: a row of the test book is written on its own page.
    private static func mayWrite(_ view: View) -> Bool { !view.visit.isTest && view.may(.post, "/price-book.csv") }

    private static func problem(_ faults: [SheetErrors.Fault], _ typed: SheetInput?, _ view: View) -> Problems? {
        guard view.visit.attempt?.refusal != nil, !faults.isEmpty else { return nil }
        return Problems(
            "Nothing was changed: not all cells can be taken.",
            fields: faults.map { fault in
                let row = typed?.key(ofLine: fault.line) ?? "line \(fault.line)"
                return (fault.column.map { "\(row), \($0.title)" } ?? row, fault.id, fault.detail)
            })
    }

    /// Ports have no products: a country has a price.
    private static func nothing(_ isByProduct: Bool, _ view: View) -> HTML {
        if isByProduct { return Empty("Nothing to price", "There are no resellers yet.").html }
        if view.visit.has(dialect: "proxy_ports"), !view.visit.has(dialect: "wholesale_orders") {
            return Empty(
                "Ports are priced by country", "The price of a day is set for each country.",
                actions: "\(Button("Countries", leadsTo: view.link("/settings/countries")))"
            ).html
        }
        let new: HTML? =
            view.may(.post, "/products")
            ? Button("New product", .primary, leadsTo: view.link("/products/new")).html : nil
        return Empty("Nothing to price", "There are no products yet.", actions: new).html
    }

    /// The rows of two requests, and the later one's list, which goes on behind them.
    private static func read(
        _ limit: Int, of chosen: String, _ isByProduct: Bool, _ view: View
    ) throws -> (list: Row, rows: [Row]) {
        func page(_ cursor: String?) throws -> Row {
            try view.get(
                "/price-sheet",
                [(isByProduct ? "product" : "reseller", chosen), ("limit", "\(limit)"), ("cursor", cursor)])
        }
        let first = try page(view.visit.asked("cursor"))
        guard let cursor = first.optional("next_cursor") else { return (first, first.rows()) }
        let second = try page(cursor)
        return (second, first.rows() + second.rows())
    }

    /// `room`: what its table may take of the page, in bytes.
    private static func sheet(
        of chosen: String, _ isByProduct: Bool, _ typed: SheetInput?, _ faults: [SheetErrors.Fault], room: Int,
        _ view: View
    ) throws -> HTML {
        var (list, rows) = try read(listed, of: chosen, isByProduct, view)
        if rows.isEmpty { return nothing(isByProduct, view) }
        let columns = typed?.columns ?? chosenColumns(view) ?? used(rows, view)
        func written(_ typed: SheetInput? = nil, _ faults: [SheetErrors.Fault] = []) -> HTML {
            PriceSheetPart(rows, columns, isOfReseller: !isByProduct, typed: typed, faults: faults, view.visit).html
        }
        // As they are stored: a sheet that comes again with what was typed has the rows that it had.
        var part = written()
        var limit = listed
        while limit > 1, part.bytes.count > room {
            limit = max(1, min(limit - 1, rows.count * room / part.bytes.count / 2))
            (list, rows) = try read(limit, of: chosen, isByProduct, view)
            part = written()
        }
        let mayWrite = mayWrite(view)
        let ofTest: HTML? =
            view.visit.isTest
            ? """
            <p class="sub">In the test book these go before the live prices. Each is set on its own page.</p>
            """ : nil
        let note: HTML = """
            \(ofTest)\(what(columns, in: rows[0]["currency"], mayWrite))\
            \(chooser(columns, of: chosen, isByProduct, view))
            """
        guard mayWrite else {
            return "\(note)\(PriceTable(rows, columns, isOfReseller: !isByProduct, view))\(pager(list, view))"
        }
        if typed != nil { part = written(typed, faults) }
        let form = view.form(trial) {
            """
            \(FormField.hidden(isByProduct ? SheetInput.Name.product : SheetInput.Name.reseller, chosen))\
            \(FormField.hidden(SheetInput.Name.columns, columns.map(\.key).joined(separator: ",")))\(part)
            <div class="actions stuck">\(Button("Review changes", .primary))<span class="sub" \
            data-sheet-count></span></div>
            """
        }
        return "\(note)\(form)\(pager(list, view))"
    }

    /// What an empty cell means; list prices stand in those of the form alone.
    private static func what(_ columns: [SheetColumn], in currency: String, _ mayWrite: Bool) -> HTML {
        let hasTerms = columns.contains { SheetColumn.terms.contains($0) }
        let hasList = mayWrite && columns.contains { $0.list != nil }
        return """
            <p class="sub">Amounts in \(currency).\(if: hasTerms, " A term without a price is not sold.")\
            \(if: columns.contains(.once), " A code without one costs the product's wholesale price.")\
            \(if: hasList, " List prices stand in empty cells for comparison.") \
            A discount in a row counts in place of the reseller's own.</p>
            """
    }

    private static func pager(_ list: Row, _ view: View) -> Pager {
        Pager("Pages of prices", previous: view.first(), next: view.next(list))
    }

    /// Those that are asked for; nil where none are.
    private static func chosenColumns(_ view: View) -> [SheetColumn]? {
        switch view.visit.asked("columns") {
        case "all": return SheetColumn.offered(view)
        case "some":
            let columns = SheetColumn.all.filter { view.visit.asked($0.key) != nil }
            return columns.isEmpty ? nil : columns
        default: return nil
        }
    }

    /// The same for a form that shows other rows.
    fileprivate static func keptColumns(_ view: View) -> [(name: String, value: String)] {
        guard let choice = view.visit.asked("columns"), chosenColumns(view) != nil else { return [] }
        return [(name: "columns", value: choice)] + SheetColumn.all.flatMap { view.visit.kept($0.key) }
    }

    private static func chooser(
        _ columns: [SheetColumn], of chosen: String, _ isByProduct: Bool, _ view: View
    ) -> HTML {
        let offered = SheetColumn.offered(view)
        let shown = SheetColumn.all.filter { columns.contains($0) || offered.contains($0) }
        let keeping =
            (isByProduct ? [("by", "product"), ("product", chosen)] : [("reseller", chosen)]) + [("columns", "some")]
        let kept = keeping.map { (name: $0.0, value: $0.1) } + view.visit.kept("mode")
        let form = Form.get(view.link("/prices"), keeping: kept) {
            """
            \(each: shown, { column in
                FormField(
                    column.title, name: column.key, kind: .checkbox, value: columns.contains(column) ? "true" : nil,
                    isRequired: false, scope: "column").html
            })<div class="actions">\(Button("Show these"))</div>
            """
        }
        return """
            <details><summary class="button">Columns</summary><p class="sub">What the sheet shows.</p>\(form)</details>
            """
    }

    /// The terms that somebody prices; where nobody does, those of most programmes.
    private static func used(_ rows: [Row], _ view: View) -> [SheetColumn] {
        let isUsed = { (column: SheetColumn) in
            rows.contains { row in
                row.row("price")?.text(column.name) != nil
                    || column.list.map { row.row("list")?.text($0) != nil } ?? false
            }
        }
        var found = (SheetColumn.terms + [.once]).filter(isUsed)
        if found.isEmpty {
            let isOfCodes = view.visit.has(dialect: "activation_codes")
            found = isOfCodes ? [.once] : SheetColumn.terms.filter { $0 != .hourly }
        }
        return SheetColumn.all.filter { found.contains($0) || [.setup, .override, .cap, .on].contains($0) }
    }

    // MARK: A file

    static func importing(_ view: View) throws -> PageContent {
        if let attempt = view.visit.attempt, attempt.refusal?.status == statusMoved {
            return try PriceReview.moved(attempt, view)
        }
        let form = view.form(trial, sendsFiles: true) {
            """
            \(FormField.hidden("_type", "text/csv"))\
            \(view.field("CSV file", "_file", .file(".csv,.tsv,text/csv"), isRequired: false))\
            \(view.field(
                "Or its text", "_body", .textarea(rows: 12),
                hint: "The first line names the columns; rows copied from a spreadsheet will do.", isRequired: false,
                size: .wide))
            <div class="actions">\(Button("Review changes", .primary))\
            \(Button("Cancel", .quiet, leadsTo: view.link("/prices")))</div>
            """
        }
        let faults = SheetErrors(view.visit.attempt?.refusal?.fieldErrors ?? []).faults
        return PageContent(
            "Import prices", sub: #"<a href="\#(view.link("/prices"))">Prices</a>"#,
            problem: faults.isEmpty ? nil : FileProblems(faults).problems,
            """
            <section class="panel">\(form)</section>
            <section class="panel" aria-labelledby="format"><h2 id="format">What a file looks like</h2>
            <p>It has the columns <code>reseller</code> (id or e-mail address), <code>sku</code> and at least one \
            more, in \
            any order. Rows and columns that it does not have stay as they are; an empty field takes a price away.</p>
            <pre class="code"><code>reseller,sku,wholesale_monthly,wholesale_annual,max_quantity,is_enabled
            ops@reseller.example,vps-s,4.00,43.20,10,true
            ops@reseller.example,vps-m,8.00,,,true</code></pre>
            <p class="sub">All columns: \(SheetColumn.all.map(\.name).joined(separator: ", ")).</p></section>
            """)
    }
}

/// What is wrong with a file, line by line. A value: any thread.
struct FileProblems {
    let problems: Problems

    init(_ faults: [SheetErrors.Fault], of field: String = "_body") {
        problems = Problems(
            "Nothing was changed: not all lines can be taken.",
            fields: faults.map { fault in
                ("Line \(fault.line)" + (fault.name.map { ", \($0)" } ?? ""), FormField.id(field), fault.detail)
            })
    }
}

/// The prices as somebody sees them who may not change them. A value: any thread.
private struct PriceTable: MarkupPart {
    let html: HTML

    init(_ rows: [Row], _ columns: [SheetColumn], isOfReseller: Bool, _ view: View) {
        let table = DataTable(
            caption: "Prices",
            columns: [Column(isOfReseller ? "Product" : "Reseller")] + columns.map { Column($0.title, .number) },
            rows: rows.map { row in
                let name = row[isOfReseller ? "name" : "reseller_name"]
                let link = view.link("/prices", row["reseller"], row["sku"])
                return [#"<a href="\#(link)">\#(name)</a>"#]
                    + columns.map { column in
                        let value = row.row("price")?[column.name] ?? ""
                        return column == .on
                            ? "\(value == "true" ? "on" : value.isEmpty ? "" : "off")" : "\(Amount.grouped(value))"
                    }
            }, empty: "", narrow: .scroll)
        html = table.html
    }
}

/// Whose prices are shown, or of what. A value.
private struct Picker {
    /// Nil where there is nobody to choose.
    let chosen: String?
    let html: HTML
    let empty: HTML

    static func resellers(_ view: View) throws -> Picker {
        let list = try view.get("/resellers", [("limit", "100")])
        var chosen = view.visit.asked("reseller")
        if let name = chosen, name.contains("@") {
            chosen = try view.get("/resellers", [("email", name)]).rows().first?["id"] ?? name
        }
        let options = list.rows().map { row in
            FormField.Option(row["id"], "\((row.text("company") ?? row["name"]).prefix(60))")
        }
        chosen = chosen ?? list.rows().first?["id"]
        let invite: HTML? =
            view.may(.post, "/resellers")
            ? Button("Invite a reseller", .primary, leadsTo: view.link("/resellers/invite")).html : nil
        return Picker(
            chosen: chosen, html: form("Reseller", "reseller", chosen, options, list, keeping: [], view),
            empty: Empty(
                "Pick products to price", "There are no resellers to price them for yet.", actions: invite
            ).html)
    }

    static func products(_ view: View) throws -> Picker {
        let list = try view.get("/products", [("limit", "100")])
        let chosen = view.visit.asked("product") ?? list.rows().first?["sku"]
        let options = list.rows().map { FormField.Option($0["sku"], "\($0["name"].prefix(60)) (\($0["sku"]))") }
        return Picker(
            chosen: chosen, html: form("Product", "product", chosen, options, list, keeping: [("by", "product")], view),
            empty: Empty("Pick products to price", "There are no products yet.").html)
    }

    /// A list to choose from; where it would be too long, a field for the name.
    private static func form(
        _ label: String, _ name: String, _ chosen: String?, _ options: [FormField.Option], _ list: Row,
        keeping: [(name: String, value: String)], _ view: View
    ) -> HTML {
        if options.isEmpty { return "" }
        let isWhole = list.optional("next_cursor") == nil
        let kind: FormField.Kind = isWhole ? .select(options) : .text
        let hint: String? = isWhole ? nil : name == "product" ? "Its SKU" : "Its id or e-mail address"
        let kept = PriceSheetPages.keptColumns(view) + view.visit.kept("mode")
        return Form.get(view.link("/prices"), keeping: keeping + kept) {
            """
            \(FormField(label, name: name, kind: kind, value: chosen, hint: hint))\
            <div class="actions">\(Button("Show"))</div>
            """
        }
    }
}
