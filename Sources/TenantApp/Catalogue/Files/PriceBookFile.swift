import CallKit
package import HTTPCore
import TenantRegistry

/// The price book as CSV (O4): a header row with `reseller`, `sku` and the price columns in any order, then a row
/// for each price. An empty field is null. What is exported imports again to the same book, digit for digit.
/// Pure: any thread.
package struct PriceBookFile: Sendable {
    package static let resellerColumn = "reseller"
    package static let skuColumn = "sku"
    package static let columns = [resellerColumn, skuColumn] + PriceColumn.allCases.map(\.rawValue)

    /// One row as the file says it; reseller and SKU are not looked up yet.
    package struct Row: Sendable, Equatable {
        package let line: Int
        /// A public id, or an e-mail address.
        package let reseller: String
        package let sku: String
        package let price: PriceRow
    }

    private static let shape = TableShape(
        "a price book",
        [.required(resellerColumn), .required(skuColumn)]
            + PriceColumn.allCases.map { .optional($0.rawValue, $0.kind) },
        oneOf: PriceColumn.allCases.map(\.rawValue))

    private var rows: TableRows

    package init(_ body: [UInt8]) { rows = TableRows(body, Self.shape) }

    package var isAtEnd: Bool { rows.isAtEnd }

    /// The price columns that the file has; of a row that is there already the others stay as they are.
    package var priceColumns: [PriceColumn] { PriceColumn.allCases.filter { rows.columns.contains($0.rawValue) } }

    /// The next rows, at most `rowsMax`; none at the end. Faults of the rest join `errors`; false where what
    /// follows cannot be read at all.
    package mutating func next(_ rowsMax: Int, errors: inout [FieldError], into read: inout [Row]) -> Bool {
        for _ in 0..<rowsMax {
            guard let row = rows.next(errors: &errors) else { break }
            if let row = Self.read(row, errors: &errors) { read.append(row) }
        }
        return rows.isReadable
    }

    /// Nil where a field is wrong: `errors` then has each one.
    private static func read(_ row: TableRow, errors: inout [FieldError]) -> Row? {
        let names = [resellerColumn, skuColumn]
        let pointer = "/line/\(row.line)"
        var texts = FieldReader(.object(row.members.filter { names.contains($0.name) }), at: pointer)
        let reseller = texts.string(resellerColumn, .id)
        let sku = texts.string(skuColumn, characters: 1...FieldReader.skuCharactersMax, .id)
        // The rules of the JSON body are the rules of the file.
        var fields = FieldReader(.object(row.members.filter { !names.contains($0.name) }), at: pointer)
        let price = fields.read(Field.part(PriceRow.body))
        errors += texts.errors + fields.errors
        guard let reseller, let sku, let price else { return nil }
        return Row(line: row.line, reseller: reseller, sku: sku, price: price)
    }

    /// A row of the file, in the order of `columns`.
    package static func cells(reseller: String, sku: String, price: PriceRow, minorUnitDigits: Int) -> [CSVCell] {
        func value(_ money: Money?) -> CSVCell { .value(money?.decimal(minorUnitDigits: minorUnitDigits) ?? "") }
        return [
            .value(reseller), .text(sku), value(price.terms.monthly), value(price.terms.quarterly),
            value(price.terms.semiAnnual), value(price.terms.annual), value(price.terms.hourly), value(price.setupFee),
            .value(price.discountRateOverride?.decimal ?? ""), .value(price.isEnabled ? "true" : "false"),
            .value(price.maxQuantity.map(String.init) ?? ""), value(price.once),
        ]
    }
}

extension PriceColumn {
    fileprivate var kind: TableShape.Kind {
        switch self {
        case .isEnabled: .flag
        case .maxQuantity: .integer
        default: .value
        }
    }
}
