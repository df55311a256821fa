import HTML
import HTTPCore
import PageKit

/// A column of the price sheet. A value: any thread.
struct SheetColumn: Sendable, Equatable {
    /// Its fields' name: a sheet has thousands.
    let key: String
    /// As price rows and their files have it.
    let name: String
    let title: String
    /// What the product's list prices call it; nil where they have none.
    var list: String?

    static let on = SheetColumn(key: "on", name: "is_enabled", title: "On")
    static let cap = SheetColumn(key: "c", name: "max_quantity", title: "Cap")
    static let override = SheetColumn(key: "d", name: "discount_rate_override", title: "Discount %")
    static let setup = SheetColumn(key: "f", name: "wholesale_setup_fee", title: "Setup", list: "setup_fee")
    static let once = SheetColumn(key: "o", name: "wholesale_once", title: "A code")
    static let hourly = SheetColumn(key: "h", name: "wholesale_hourly", title: "Hourly", list: "hourly")

    static let all = [
        SheetColumn(key: "m", name: "wholesale_monthly", title: "Monthly", list: "monthly"),
        SheetColumn(key: "q", name: "wholesale_quarterly", title: "Quarterly", list: "quarterly"),
        SheetColumn(key: "s", name: "wholesale_semi_annual", title: "Semi-annual", list: "semi_annual"),
        SheetColumn(key: "y", name: "wholesale_annual", title: "Annual", list: "annual"),
        hourly, setup, once, override, cap, on,
    ]

    static func named(_ name: String) -> SheetColumn? { all.first { $0.name == name } }

    /// What is priced by the term.
    static let terms = all.filter { ![setup, once, override, cap, on].contains($0) }

    /// Those of what the tenant sells: codes have a price each, all else one by the term.
    static func offered(_ view: some PageView) -> [SheetColumn] {
        let sellsCodes = view.visit.has(dialect: "activation_codes")
        let sellsTerms = !sellsCodes || view.visit.has(dialect: "wholesale_orders")
        return all.filter { $0 == once ? sellsCodes : sellsTerms || !terms.contains($0) }
    }
}

/// What is typed in a price sheet, and the file of prices that it stands for. A value: any thread.
struct SheetInput: Sendable {
    /// The hidden fields of a sheet. A row begins with `row`, or with `new` where the book has no such row yet.
    enum Name {
        static let row = "row"
        static let new = "new"
        static let columns = "_columns"
        static let reseller = "_reseller"
        static let product = "_product"
    }

    struct Line: Sendable {
        /// The SKU in a sheet of one reseller, the reseller's id in one of one product.
        let key: String
        let isNew: Bool
        /// By the columns' keys.
        var cells: [String: String]

        /// A row that is not there yet, and says nothing.
        var isNothing: Bool {
            isNew && cells.allSatisfy { $0.key == SheetColumn.on.key || $0.value.allSatisfy(\.isWhitespace) }
        }
    }

    let columns: [SheetColumn]
    private let reseller: String
    private let product: String
    private let lines: [Line]
    private var isOfReseller: Bool { product.isEmpty }

    /// Nil where the form is no sheet, and no file that was made of one.
    init?(_ form: [(name: String, value: String)]) {
        func value(_ name: String) -> String? { form.last { $0.name == name }?.value }
        guard let names = value(Name.columns) else { return nil }
        let keys = names.split(separator: ",").map(String.init)
        columns = SheetColumn.all.filter { keys.contains($0.key) }
        reseller = value(Name.reseller) ?? ""
        product = value(Name.product) ?? ""
        lines =
            if let file = value("_body") {
                Self.lines(of: file, columns, isOfReseller: product.isEmpty)
            } else {
                Self.lines(form, columns)
            }
    }

    private static func lines(_ form: [(name: String, value: String)], _ columns: [SheetColumn]) -> [Line] {
        let keys = Set(columns.map(\.key))
        var lines: [Line] = []
        for (name, value) in form {
            switch name {
            case Name.row, Name.new: lines.append(Line(key: value, isNew: name == Name.new, cells: [:]))
            case _ where keys.contains(name) && !lines.isEmpty:
                // Neither line ends nor tabs nor quotes are part of a price: they would be the file's own.
                lines[lines.count - 1].cells[name] = value.unpadded.filter { !$0.isNewline && $0 != "\t" }
                    .replacing("\"", with: "”")
            default: break
            }
        }
        return lines.filter { !$0.isNothing }
    }

    // MARK: As a file

    var csv: String {
        let head = ["reseller", "sku"] + columns.map(\.name)
        let rows = lines.map { line in
            (isOfReseller ? [reseller, line.key] : [line.key, product])
                + columns.map { column in
                    column == .on ? (line.cells[column.key] == nil ? "false" : "true") : line.cells[column.key] ?? ""
                }
        }
        return ([head] + rows).map { $0.joined(separator: "\t") + "\n" }.joined()
    }

    /// Of a file that `csv` made.
    private static func lines(of csv: String, _ columns: [SheetColumn], isOfReseller: Bool) -> [Line] {
        csv.split(whereSeparator: \.isNewline).dropFirst().compactMap { text in
            let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == columns.count + 2 else { return nil }
            var line = Line(key: String(fields[isOfReseller ? 1 : 0]), isNew: false, cells: [:])
            for (column, value) in zip(columns, fields.dropFirst(2)) {
                if column != .on { line.cells[column.key] = String(value) }
                if column == .on, value == "true" { line.cells[column.key] = "true" }
            }
            return line
        }
    }

    // MARK: As it is shown again

    /// What makes a sheet of such a file.
    var hidden: HTML {
        """
        \(FormField.hidden(Name.columns, columns.map(\.key).joined(separator: ",")))\
        \(isOfReseller ? FormField.hidden(Name.reseller, reseller) : FormField.hidden(Name.product, product))
        """
    }

    /// What was typed in a row; nil where it was not sent.
    func cells(of key: String) -> [String: String]? { lines.last { $0.key == key }?.cells }

    /// The row of the file's line: the first behind the header is line 2.
    func key(ofLine number: Int) -> String? { lines.indices.contains(number - 2) ? lines[number - 2].key : nil }
}

/// A refusal's errors by the cells of a sheet. A value: any thread.
struct SheetErrors: Sendable {
    struct Fault: Sendable {
        let line: Int
        /// Nil: of the whole row.
        let column: SheetColumn?
        /// The column as the file has it.
        let name: String?
        let detail: String

        /// Of what is to blame: of the cell, or of the row.
        var id: String { FormField.id("line.\(line)\(column.map { ".\($0.key)" } ?? "")") }
    }

    let faults: [Fault]

    init(_ errors: [FieldError]) {
        faults = errors.compactMap { error in
            let parts = error.pointer.split(separator: "/").map(String.init)
            guard parts.count >= 2, parts[0] == "line", let line = Int(parts[1]) else { return nil }
            let name = parts.count > 2 ? parts[2] : nil
            return Fault(line: line, column: name.flatMap(SheetColumn.named), name: name, detail: error.detail)
        }
    }
}
