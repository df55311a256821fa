package import CallKit
import HTTPCore
import TenantRegistry

/// The columns of a price row, as JSON bodies and CSV files name them (W2).
package enum PriceColumn: String, Sendable, CaseIterable {
    case monthly = "wholesale_monthly"
    case quarterly = "wholesale_quarterly"
    case semiAnnual = "wholesale_semi_annual"
    case annual = "wholesale_annual"
    case hourly = "wholesale_hourly"
    case setupFee = "wholesale_setup_fee"
    case discountRateOverride = "discount_rate_override"
    case isEnabled = "is_enabled"
    case maxQuantity = "max_quantity"
    case once = "wholesale_once"

    package static let quantityMax: Int64 = 1_000_000_000
}

/// What a call says of a price row.
package struct PriceRowChange: Sendable {
    package let apply: @Sendable (inout PriceRow) -> Void
}

extension PriceRow {
    /// A change of a row: what is left out stays as it is, null takes it away.
    package static let change = Body.change(
        newPrice(.monthly), newPrice(.quarterly), newPrice(.semiAnnual), newPrice(.annual), newPrice(.hourly),
        newPrice(.setupFee), Field.percent(PriceColumn.discountRateOverride.rawValue).clearable,
        Field.bool(PriceColumn.isEnabled.rawValue).omittable,
        Field.integer(PriceColumn.maxQuantity.rawValue, 0...PriceColumn.quantityMax).clearable, newPrice(.once)
    ).map { monthly, quarterly, semiAnnual, annual, hourly, setupFee, rate, isEnabled, maxQuantity, once in
        PriceRowChange { row in
            if let monthly { row.terms.monthly = monthly }
            if let quarterly { row.terms.quarterly = quarterly }
            if let semiAnnual { row.terms.semiAnnual = semiAnnual }
            if let annual { row.terms.annual = annual }
            if let hourly { row.terms.hourly = hourly }
            if let setupFee { row.setupFee = setupFee }
            if let rate { row.discountRateOverride = rate }
            if let isEnabled { row.isEnabled = isEnabled }
            if let maxQuantity { row.maxQuantity = maxQuantity }
            if let once { row.once = once }
        }
    }

    private static func newPrice(_ column: PriceColumn) -> BodyField<Money??> {
        Field.money(column.rawValue, AmountRule.prices).clearable
    }

    /// A whole row: what is absent or null is not priced, not overridden, not capped; `is_enabled` left out is true.
    package static let body = Body(
        price(.monthly), price(.quarterly), price(.semiAnnual), price(.annual), price(.hourly), price(.setupFee),
        Field.percent(PriceColumn.discountRateOverride.rawValue).optional,
        Field.bool(PriceColumn.isEnabled.rawValue).or(true),
        Field.integer(PriceColumn.maxQuantity.rawValue, 0...PriceColumn.quantityMax).optional, price(.once)
    ).map { monthly, quarterly, semiAnnual, annual, hourly, setupFee, rate, isEnabled, maxQuantity, once in
        PriceRow(
            terms: TermPrices(
                monthly: monthly, quarterly: quarterly, semiAnnual: semiAnnual, annual: annual, hourly: hourly),
            setupFee: setupFee, discountRateOverride: rate, isEnabled: isEnabled, maxQuantity: maxQuantity, once: once)
    }

    private static func price(_ column: PriceColumn) -> BodyField<Money?> {
        Field.money(column.rawValue, AmountRule.prices).optional
    }

    /// Column by column, as bodies and answers have them.
    func members(_ minorUnitDigits: Int) -> [JSONMember] {
        func amount(_ money: Money?) -> JSON {
            money.map { .string($0.decimal(minorUnitDigits: minorUnitDigits)) } ?? .null
        }
        return PriceColumn.allCases.map { column in
            let value: JSON =
                switch column {
                case .monthly: amount(terms.monthly)
                case .quarterly: amount(terms.quarterly)
                case .semiAnnual: amount(terms.semiAnnual)
                case .annual: amount(terms.annual)
                case .hourly: amount(terms.hourly)
                case .setupFee: amount(setupFee)
                case .discountRateOverride: discountRateOverride.map { .string($0.decimal) } ?? .null
                case .isEnabled: .bool(isEnabled)
                case .maxQuantity: maxQuantity.map { .number(JSONNumber($0)) } ?? .null
                case .once: amount(once)
                }
            return JSONMember(name: column.rawValue, value: value)
        }
    }

    static let members: [Shape<PriceRow>.Member] = [
        .member("wholesale_monthly", \.terms.monthly), .member("wholesale_quarterly", \.terms.quarterly),
        .member("wholesale_semi_annual", \.terms.semiAnnual), .member("wholesale_annual", \.terms.annual),
        .member("wholesale_hourly", \.terms.hourly), .member("wholesale_setup_fee", \.setupFee),
        .member("discount_rate_override", \.discountRateOverride), .member("is_enabled", \.isEnabled),
        .member("max_quantity", \.maxQuantity), .member("wholesale_once", \.once),
    ]
}

extension PriceRow {
    /// What a file says of a row that is there: the columns that the file has.
    func taking(_ columns: [PriceColumn], onto old: PriceRow) -> PriceRow {
        var row = old
        for column in columns {
            switch column {
            case .monthly: row.terms.monthly = terms.monthly
            case .quarterly: row.terms.quarterly = terms.quarterly
            case .semiAnnual: row.terms.semiAnnual = terms.semiAnnual
            case .annual: row.terms.annual = terms.annual
            case .hourly: row.terms.hourly = terms.hourly
            case .setupFee: row.setupFee = setupFee
            case .discountRateOverride: row.discountRateOverride = discountRateOverride
            case .isEnabled: row.isEnabled = isEnabled
            case .maxQuantity: row.maxQuantity = maxQuantity
            case .once: row.once = once
            }
        }
        return row
    }
}
