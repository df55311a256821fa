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

    /// Where each column stands.
    private let places: [String: Int]

    /// The price columns that the file has; of a row that is there already the others stay as they are.
    package var priceColumns: [PriceColumn] { PriceColumn.allCases.filter { places[$0.rawValue] != nil } }

    /// Nil where the header is wrong: `errors` then says how. `reseller` and `sku` must be there, of the price columns
    /// at least one, and no other column: a misspelt one is an error, not a column left out.
    package init?(header: CSVRow, errors: inout [FieldError]) {
        var places: [String: Int] = [:]
        let before = errors.count
        for (place, name) in header.fields.enumerated() {
            if !Self.columns.contains(name) {
                errors.append(.inLine(header.line, name, "unknown_column", "is not a column of a price book"))
            } else if places.updateValue(place, forKey: name) != nil {
                errors.append(.inLine(header.line, name, "duplicate_column", "stands twice"))
            }
        }
        for name in [Self.resellerColumn, Self.skuColumn] where places[name] == nil {
            errors.append(.inLine(header.line, name, "required", "the column is missing"))
        }
        if !PriceColumn.allCases.contains(where: { places[$0.rawValue] != nil }) {
            errors.append(.inLine(header.line, nil, "required", "has no price column"))
        }
        guard errors.count == before else { return nil }
        self.places = places
    }

    /// Nil where a field is wrong: `errors` then has each one.
    package func read(_ row: CSVRow, errors: inout [FieldError]) -> Row? {
        guard row.fields.count == places.count else {
            errors.append(
                .inLine(row.line, nil, "count", "has \(row.fields.count) fields, the header has \(places.count)"))
            return nil
        }
        var members: [JSONMember] = []
        for column in PriceColumn.allCases {
            guard let place = places[column.rawValue] else { continue }
            members.append(JSONMember(name: column.rawValue, value: Self.value(row.fields[place], of: column)))
        }
        // The rules of the JSON body are the rules of the file.
        var fields = FieldReader(.object(members), at: "/line/\(row.line)")
        let price = fields.read(Field.part(PriceRow.body))
        let reseller = text(Self.resellerColumn, row, &errors)
        let sku = text(Self.skuColumn, row, &errors)
        errors += fields.errors
        guard let reseller, let sku, let price else { return nil }
        return Row(line: row.line, reseller: reseller, sku: sku, price: price)
    }

    private func text(_ column: String, _ row: CSVRow, _ errors: inout [FieldError]) -> String? {
        guard let place = places[column], !row.fields[place].isEmpty else {
            errors.append(.inLine(row.line, column, "required", "is required"))
            return nil
        }
        return row.fields[place].composed
    }

    private static func value(_ text: String, of column: PriceColumn) -> JSON {
        if text.isEmpty { return .null }
        switch column {
        case .isEnabled: return text == "true" ? .bool(true) : text == "false" ? .bool(false) : .string(text)
        case .maxQuantity: return JSONNumber(plain: text).map { .number($0) } ?? .string(text)
        default: return .string(text)
        }
    }

    /// A row of the file, in the order of `columns`.
    package static func fields(reseller: String, sku: String, price: PriceRow, minorUnitDigits: Int) -> [String] {
        func text(_ money: Money?) -> String { money?.decimal(minorUnitDigits: minorUnitDigits) ?? "" }
        return [
            reseller, sku, text(price.terms.monthly), text(price.terms.quarterly), text(price.terms.semiAnnual),
            text(price.terms.annual), text(price.terms.hourly), text(price.setupFee),
            price.discountRateOverride?.decimal ?? "", price.isEnabled ? "true" : "false",
            price.maxQuantity.map(String.init) ?? "", text(price.once),
        ]
    }
}
