import CallKit
import SQLite
package import TenantRegistry

/// Plans are products that have days, a retail price and a wholesale price (O4, A2).
extension Plan {
    fileprivate static let offered = Statement(
        """
        SELECT p.id, p.sku, p.name, p.days, p.retail_price, p.wholesale_price, \(PriceRow.inForce("wholesale_once")),
            \(PriceRow.inForce("discount_rate_override"))
        FROM product p \(PriceRow.joins(reseller: "?1", product: "p.id", isTest: "?4"))
        WHERE (?2 IS NULL OR p.sku = ?2) AND NOT p.hidden AND p.days IS NOT NULL AND p.retail_price IS NOT NULL
            AND coalesce(\(PriceRow.inForce("wholesale_once")), p.wholesale_price) IS NOT NULL
            AND coalesce(\(PriceRow.inForce("is_enabled")), 1)
        ORDER BY p.id LIMIT ?3
        """)
}

extension TenantReader {
    /// So many a list has at most.
    package static let plansMax = 1_000

    /// The plans that are offered, in the order they were made. `reseller`: at its own prices, without those switched
    /// off for it; nil: at everybody's.
    package func plans(for reseller: Reseller?, book: Book = .live) throws -> [Plan] {
        try plans(for: reseller, book, sku: nil)
    }

    package func plan(sku: String, for reseller: Reseller, book: Book) throws -> Plan? {
        try plans(for: reseller, book, sku: sku).first
    }

    private func plans(for reseller: Reseller?, _ book: Book, sku: String?) throws -> [Plan] {
        let standard = reseller?.defaultDiscountRate ?? .zero
        let digits = currency.minorUnitDigits
        return try connection.rows(
            Plan.offered, .optional(reseller?.id), .optional(sku), .int(Self.plansMax), .book(book)
        ) { row in
            let (id, sku, name) = (try row.int(), try row.text(), try row.text())
            let (days, retailPrice) = (try row.int(), try row.money())
            let (everybodys, own) = (try row.optionalMoney(), try row.optionalMoney())
            let rate = Pricing.rate(override: try row.optionalPercent(), default: standard)
            let price = try Plan.unitPrice(everybodys: everybodys, own: own, rate: rate, minorUnitDigits: digits)
            let retail = try Plan.unitPrice(everybodys: retailPrice, own: nil, rate: .zero, minorUnitDigits: digits)
            return Plan(
                productID: id, sku: sku, name: name, days: days, retailPrice: retail ?? .zero,
                wholesalePrice: price ?? .zero)
        }
    }
}
