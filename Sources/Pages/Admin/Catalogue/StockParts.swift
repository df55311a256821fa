import CallKit
import HTML
import HTTPCore
import PageKit

/// What the pages of all stocks have in common (O4, O9).
enum StockParts {
    /// A whole stock is counted in steps: the rest of the page is one read.
    static func levels(_ kind: String, _ view: SlowView) async throws -> HTML {
        let stock = try await view.get("/stock", [("kind", kind)])
        let isOfPorts = kind == "ports"
        var columns = [Column(isOfPorts ? "Country" : "Product"), Column("Free", .number)]
        if kind == "licences" { columns.append(Column("Expired", .number)) }
        columns += [Column(isOfPorts ? "In use" : "Gone", .number), Column("Withdrawn", .number)]
        if !isOfPorts { columns += [Column("In 30 days", .number), Column("Lasts", .number)] }
        let rows = stock.rows()
        if rows.isEmpty { return "" }
        let part: HTML? =
            stock.bool("is_partial") ? #"<p class="sub">There is more than was counted.</p>"# : nil
        let table = DataTable(
            caption: "Stock by \(isOfPorts ? "country" : "product")", columns: columns,
            rows: rows.map { line($0, kind, view) }, empty: "")
        return
            #"<section class="panel" aria-labelledby="level"><h2 id="level">In stock</h2>\#(table)\#(part)</section>"#
    }

    private static func line(_ row: Row, _ kind: String, _ view: SlowView) -> [HTML] {
        let isOfPorts = kind == "ports"
        let name = row[isOfPorts ? "country" : "product"]
        let link =
            switch kind {
            case "items": view.link("/stock/items", name)
            case "ports": view.link("/stock/ports", query: [("country", name)])
            default: view.link("/products", name)
            }
        var cells: [HTML] = [#"<a href="\#(link)">\#(name)</a>"#, number(row, "free")]
        if kind == "licences" { cells.append(number(row, "expired")) }
        cells += [number(row, "used"), number(row, "withdrawn")]
        if !isOfPorts { cells += [number(row, "used_30_days"), lasts(row)] }
        return cells
    }

    private static func number(_ row: Row, _ name: String) -> HTML { "\(Figure.grouped(row.int(name)))" }

    /// As `GET /attention` has it.
    private static let daysLow = 14

    private static func lasts(_ row: Row) -> HTML {
        guard row.text("days_left") != nil else { return "–" }
        let days = row.int("days_left")
        let text = "\(Figure.grouped(days)) \(days == 1 ? "day" : "days")"
        return days < daysLow ? "\(State(text, tone: days == 0 ? .bad : .warn))" : "\(text)"
    }

    // MARK: Import

    static let fileBytesMax = 32 << 20

    /// A form that takes a file, or its text: all or none, each error with its line.
    static func importForm(_ call: String, next: Link, example: HTML, about: HTML, _ view: View) -> HTML {
        let form = view.form(call, said: .imported, next: next, sendsFiles: true) {
            """
            \(FormField.hidden("_type", "text/csv"))\
            \(view.field("CSV file", "_file", .file(".csv,.tsv,text/csv"), isRequired: false))\
            \(view.field(
                "Or its text", "_body", .textarea(rows: 10), hint: "All rows are taken, or none.", isRequired: false,
                size: .wide))
            <div class="actions">\(Button("Import", .primary))\(Button("Cancel", .quiet, leadsTo: next))</div>
            """
        }
        return """
            <section class="panel">\(form)</section>
            <section class="panel" aria-labelledby="format"><h2 id="format">What a file looks like</h2>
            \(about)<pre class="code"><code>\(example)</code></pre></section>
            """
    }

    /// What a refused file says, line by line; nil where the form was refused for something else.
    static func problem(_ view: some PageView) -> Problems? {
        let faults = SheetErrors(view.visit.attempt?.refusal?.fieldErrors ?? []).faults
        return faults.isEmpty ? nil : FileProblems(faults).problems
    }
}
