import CallKit
package import HTTPCore
package import TenantRegistry

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

extension FieldReader {
    /// A whole row: what is absent or null is not priced, not overridden, not capped; `is_enabled` left out is true.
    package mutating func priceRow() -> PriceRow {
        var row = PriceRow(terms: TermPrices())
        row.terms.monthly = price(.monthly)
        row.terms.quarterly = price(.quarterly)
        row.terms.semiAnnual = price(.semiAnnual)
        row.terms.annual = price(.annual)
        row.terms.hourly = price(.hourly)
        row.setupFee = price(.setupFee)
        row.discountRateOverride = optionalPercent(PriceColumn.discountRateOverride.rawValue)
        row.isEnabled = optionalBool(PriceColumn.isEnabled.rawValue) ?? true
        row.maxQuantity = optionalInteger(PriceColumn.maxQuantity.rawValue, in: 0...PriceColumn.quantityMax)
        row.once = price(.once)
        return row
    }

    private mutating func price(_ column: PriceColumn) -> Money? {
        optionalMoney(column.rawValue, in: AmountRule.prices)
    }
}

extension PriceRow {
    package func write(_ tenant: TenantReader, _ json: inout JSONWriter) {
        func text(_ money: Money?) -> String? { money.map { tenant.decimal($0) } }
        json.field("wholesale_monthly", text(terms.monthly))
        json.field("wholesale_quarterly", text(terms.quarterly))
        json.field("wholesale_semi_annual", text(terms.semiAnnual))
        json.field("wholesale_annual", text(terms.annual))
        json.field("wholesale_hourly", text(terms.hourly))
        json.field("wholesale_setup_fee", text(setupFee))
        json.field("discount_rate_override", discountRateOverride?.decimal)
        json.field("is_enabled", isEnabled)
        json.field("max_quantity", maxQuantity)
        json.field("wholesale_once", text(once))
    }
}
