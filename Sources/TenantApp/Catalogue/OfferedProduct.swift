import CallKit
import TenantRegistry

/// A product as its reseller sees it: what one unit of each term costs after the reseller's discount.
struct OfferedProduct: Sendable {
    let row: PricedProduct
    let rate: Percent
    private let currency: Currency

    init(_ row: PricedProduct, for reseller: Reseller, _ currency: Currency) {
        self.row = row
        self.currency = currency
        rate = Pricing.rate(override: row.price.discountRateOverride, default: reseller.defaultDiscountRate)
    }

    /// Those that are priced.
    var terms: [(name: String, WholesaleOrders.Schemas.TermPrice)] {
        Term.allCases.compactMap { term in
            guard let price = row.price.terms[term] else { return nil }
            return (term.rawValue, WholesaleOrders.Schemas.TermPrice(wholesale: price, net: net(price, term)))
        }
    }

    private func net(_ price: Money, _ term: Term) -> Money? {
        let digits = term == .hourly ? Money.fractionDigits : currency.minorUnitDigits
        return try? Pricing.line(termPrice: price, rate: rate, quantity: 1, minorUnitDigits: digits)
    }
}
