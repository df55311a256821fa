package import CallKit
package import TenantRegistry

/// Prices something by a reseller's price book (X2): what it costs the reseller, what the reseller charges, and
/// which rules led there. Writes nothing; `CreatePort` records what it says.
package struct PricePort: Sendable {
    package struct Result: Sendable {
        package let price: PortPrice
        /// For people, as the product document shows them: `Margin: +25%`, `30 days`.
        package let appliedRules: [String]
    }

    package let thing: PricedThing
    /// Of one unit and day.
    package let basePrice: Money
    /// Days of a port; gigabytes of traffic.
    package let quantity: Int64
    /// Nil has no override. An unknown country has none either.
    package let country: PortCountry?
    package let discount: Percent
    package let resellerID: Int64
    package let book: Book

    package static let daysMax: Int64 = 365
    package static let gigabytesMax: Int64 = 1_000_000

    package func run(_ tenant: TenantReader) throws -> Result {
        let pricebook = try tenant.portPricebook(resellerID: resellerID, book: book)
        let override = try country.flatMap { try tenant.countryOverride($0.id, resellerID: resellerID, book: book) }
        let (rule, isOverride) = pricebook.rule(for: thing, country: override)
        let price = try PortPrice(
            base: basePrice, quantity: quantity, rule: rule, discount: discount,
            minorUnitDigits: tenant.currency.minorUnitDigits)
        var rules: [String] = []
        if isOverride, let country { rules.append("Country override: \(country.publicID)") }
        switch rule {
        case .margin(let markUp): rules.append("Margin: +\(markUp.decimal)%")
        case .fixed(let fixed): rules.append("Fixed: \(tenant.decimal(fixed))")
        case .multiplier(let multiplier): rules.append("Multiplier: ×\(multiplier.decimal)")
        }
        if discount > .zero { rules.append("Customer discount: -\(discount.decimal)%") }
        switch thing {
        case .port: rules.append(quantity == 1 ? "1 day" : "\(quantity) days")
        case .traffic: rules.append("\(quantity) GB")
        }
        return Result(price: price, appliedRules: rules)
    }
}
