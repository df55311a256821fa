import CallKit
import HTML
import PageKit

/// The price book as a sheet of fields: rows of products for one reseller, or of resellers for one product. It is as
/// lean as can be, since a page has 200 rows of it. A value: any thread.
struct PriceSheetPart: MarkupPart {
    /// A longer name is cut: the row's own page has it whole.
    private static let nameCharactersMax = 40

    /// Where something is wrong: by row and column.
    private let faults: [String: [SheetErrors.Fault]]
    private let typed: SheetInput?
    private let columns: [SheetColumn]
    private let isOfReseller: Bool
    private let visit: Visit
    private let rows: [Row]

    /// `rows`: of `/price-sheet`.
    init(
        _ rows: [Row], _ columns: [SheetColumn], isOfReseller: Bool, typed: SheetInput?, faults: [SheetErrors.Fault],
        _ visit: Visit
    ) {
        self.columns = columns
        self.isOfReseller = isOfReseller
        self.typed = typed
        self.visit = visit
        self.faults = Dictionary(grouping: faults) { typed?.key(ofLine: $0.line) ?? "" }
        self.rows = rows
    }

    var html: HTML {
        """
        <div class="scroll" tabindex="0" role="region" aria-label="Prices"><table class="sheet" data-sheet>\
        <caption class="unseen">Prices</caption><thead><tr><th \
        scope="col">\(isOfReseller ? "Product" : "Reseller")</th>\
        \(each: columns, head)</tr></thead>
        <tbody>\(each: rows.enumerated(), { line($0.offset, $0.element) })</tbody></table></div>
        """
    }

    /// Above its numbers, which stand at the right.
    private func head(_ column: SheetColumn) -> HTML {
        var attributes = Attributes()
        attributes.set("class", column == .on ? nil : "n")
        return #"<th scope="col" id="\#(column.key)"\#(attributes)>\#(column.title)</th>"#
    }

    private func line(_ number: Int, _ row: Row) -> HTML {
        let key = row[isOfReseller ? "sku" : "reseller"]
        let name = row[isOfReseller ? "name" : "reseller_name"]
        let price = row.row("price")
        let wrong = faults[key] ?? []
        let whole = wrong.filter { $0.column == nil }
        let link = visit.link("/prices", row["reseller"], row["sku"])
        var quiet = Attributes()
        quiet.set("class", price == nil ? "quiet" : nil)
        let shown = name.count > Self.nameCharactersMax ? name.prefix(Self.nameCharactersMax) + "…" : name[...]
        let about: HTML = isOfReseller ? "<b>\(shown)</b> <code>\(key)</code>" : "<b>\(shown)</b>"
        return """
            <tr\(quiet)><th scope="row" id="r\(number)"><a href="\(link)">\(about)</a>\
            \(FormField.hidden(price == nil ? SheetInput.Name.new : SheetInput.Name.row, key))\
            \(each: whole, { #"<p class="error" id="\#($0.id)">\#($0.detail)</p>"# })</th>\
            \(each: columns, { cell($0, number, key, row, wrong) })</tr>

            """
    }

    private func cell(
        _ column: SheetColumn, _ number: Int, _ key: String, _ row: Row, _ wrong: [SheetErrors.Fault]
    ) -> HTML {
        let price = row.row("price")
        let stored = price.map { $0[column.name] } ?? ""
        let cells = typed?.cells(of: key)
        let fault = wrong.first { $0.column == column }
        var attributes = Attributes()
        if column == .on {
            // A row that is not there yet is in force once it is.
            let isOn = price == nil || stored == "true"
            attributes.set("type", "checkbox")
            let isChecked = cells.map { $0[column.key] != nil } ?? isOn
            attributes.set("checked", if: isChecked)
            attributes.set("data-was", isChecked == isOn ? nil : isOn ? "on" : "")
        } else {
            let value = cells.map { $0[column.key] ?? "" } ?? stored
            attributes.set("value", value.isEmpty ? nil : value)
            let list = column.list.flatMap { row.row("list")?.text($0) }
            attributes.set("placeholder", value.isEmpty ? list : nil)
            attributes.set("data-was", value == stored ? nil : stored)
        }
        attributes.set("aria-labelledby", "r\(number) \(column.key)")
        return SheetCell(column.key, attributes, error: fault.map { ($0.id, $0.detail) }).html
    }
}
