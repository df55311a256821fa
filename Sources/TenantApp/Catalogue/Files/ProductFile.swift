package import CallKit
package import HTTPCore
import TenantRegistry

/// The columns of a product beside its SKU, as CSV files name them (O4).
package enum ProductColumn: String, Sendable, CaseIterable {
    case name
    case fulfilment
    case hidden
    case days
    case retailPrice = "retail_price"
    case wholesalePrice = "wholesale_price"
    case listMonthly = "list_monthly"
    case listQuarterly = "list_quarterly"
    case listSemiAnnual = "list_semi_annual"
    case listAnnual = "list_annual"
    case listHourly = "list_hourly"
    case listSetupFee = "list_setup_fee"

    fileprivate var kind: TableShape.Kind {
        switch self {
        case .name: .text
        case .hidden: .flag
        case .days: .integer
        default: .value
        }
    }
}

/// A product as a file has it; what the file leaves out is nil.
package struct ProductRow: Sendable, Equatable {
    package var name: String?
    package var fulfilment: Fulfilment?
    package var isHidden = false
    package var days: Int64?
    package var retailPrice: Money?
    package var wholesalePrice: Money?
    package var list = ListPrices.none

    package init() {}

    package init(_ product: Product) {
        name = product.name
        fulfilment = product.fulfilment
        isHidden = product.isHidden
        days = product.days
        retailPrice = product.retailPrice
        wholesalePrice = product.wholesalePrice
        list = product.list
    }

    /// Column by column.
    func members(_ minorUnitDigits: Int) -> [JSONMember] {
        func amount(_ money: Money?) -> JSON {
            money.map { .string($0.decimal(minorUnitDigits: minorUnitDigits)) } ?? .null
        }
        return ProductColumn.allCases.map { column in
            let value: JSON =
                switch column {
                case .name: name.map { .string($0) } ?? .null
                case .fulfilment: fulfilment.map { .string($0.rawValue) } ?? .null
                case .hidden: .bool(isHidden)
                case .days: days.map { .number(JSONNumber($0)) } ?? .null
                case .retailPrice: amount(retailPrice)
                case .wholesalePrice: amount(wholesalePrice)
                case .listMonthly: amount(list.terms.monthly)
                case .listQuarterly: amount(list.terms.quarterly)
                case .listSemiAnnual: amount(list.terms.semiAnnual)
                case .listAnnual: amount(list.terms.annual)
                case .listHourly: amount(list.terms.hourly)
                case .listSetupFee: amount(list.setupFee)
                }
            return JSONMember(name: column.rawValue, value: value)
        }
    }
}

/// Products as CSV (O4): a header row with `sku` and at least one more column, in any order, then a row for each. An
/// empty field is null. What is exported imports again to the same catalogue. Pure: any thread.
package struct ProductFile: Sendable {
    package static let skuColumn = "sku"
    package static let columns = [skuColumn] + ProductColumn.allCases.map(\.rawValue)

    package struct Row: Sendable, Equatable {
        package let line: Int
        package let sku: String
        package let product: ProductRow
    }

    private static let shape = TableShape(
        "a list of products",
        [.required(skuColumn)] + ProductColumn.allCases.map { .optional($0.rawValue, $0.kind) },
        oneOf: ProductColumn.allCases.map(\.rawValue))

    private var rows: TableRows

    package init(_ body: [UInt8]) { rows = TableRows(body, Self.shape) }

    package var isAtEnd: Bool { rows.isAtEnd }

    /// Those that the file has; of a product that is there already the others stay as they are.
    package var productColumns: [ProductColumn] {
        ProductColumn.allCases.filter { rows.columns.contains($0.rawValue) }
    }

    /// The next rows, at most `rowsMax`; none at the end. Faults of the rest join `errors`; false where what
    /// follows cannot be read at all.
    package mutating func next(_ rowsMax: Int, errors: inout [FieldError], into read: inout [Row]) -> Bool {
        for _ in 0..<rowsMax {
            guard let row = rows.next(errors: &errors) else { break }
            if let row = Self.read(row, errors: &errors) { read.append(row) }
        }
        return rows.isReadable
    }

    private static let body = Body(
        Field.sku(skuColumn), Field.text("name", 1...200).optional,
        Field.choice("fulfilment", Fulfilment.self).optional, Field.bool("hidden").or(false),
        Field.part(PlanTerms.body), amount(.listMonthly), amount(.listQuarterly), amount(.listSemiAnnual),
        amount(.listAnnual), amount(.listHourly), amount(.listSetupFee))

    private static func amount(_ column: ProductColumn) -> BodyField<Money?> {
        Field.money(column.rawValue, AmountRule.prices).optional
    }

    private static func read(_ row: TableRow, errors: inout [FieldError]) -> Row? {
        var fields = FieldReader(row.json, at: "/line/\(row.line)")
        let values = fields.read(Field.part(body))
        errors += fields.errors
        guard let (sku, name, fulfilment, isHidden, plan, monthly, quarterly, semiAnnual, annual, hourly, fee) = values
        else { return nil }
        var product = ProductRow()
        product.name = name
        product.fulfilment = fulfilment
        product.isHidden = isHidden
        product.days = plan.days
        product.retailPrice = plan.retailPrice
        product.wholesalePrice = plan.wholesalePrice
        product.list = ListPrices(
            terms: TermPrices(
                monthly: monthly, quarterly: quarterly, semiAnnual: semiAnnual, annual: annual, hourly: hourly),
            setupFee: fee)
        return Row(line: row.line, sku: sku, product: product)
    }

    /// A row of the file, in the order of `columns`.
    package static func cells(_ product: Product, minorUnitDigits: Int) -> [CSVCell] {
        [.text(product.sku)]
            + ProductRow(product).members(minorUnitDigits).map { member in
                switch member.value {
                case .string(let text) where member.name == ProductColumn.name.rawValue: .text(text)
                case .string(let text): .value(text)
                case .number(let number): .value(number.text)
                case .bool(let flag): .value(flag ? "true" : "false")
                default: .value("")
                }
            }
    }
}
