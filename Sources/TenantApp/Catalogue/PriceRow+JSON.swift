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

extension PriceRow {
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

    static let members: [Shape<PriceRow>.Member] = [
        .member("wholesale_monthly", \.terms.monthly), .member("wholesale_quarterly", \.terms.quarterly),
        .member("wholesale_semi_annual", \.terms.semiAnnual), .member("wholesale_annual", \.terms.annual),
        .member("wholesale_hourly", \.terms.hourly), .member("wholesale_setup_fee", \.setupFee),
        .member("discount_rate_override", \.discountRateOverride), .member("is_enabled", \.isEnabled),
        .member("max_quantity", \.maxQuantity), .member("wholesale_once", \.once),
    ]
}
