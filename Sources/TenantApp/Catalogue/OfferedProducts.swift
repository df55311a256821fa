import CallKit
import SQLite
package import TenantRegistry

/// What a reseller may order. In the live book by its own price rows alone (W2); in the test book also by list prices,
/// where it has no row, so that integrating waits for nobody (W12).
extension PricedProduct {
    /// Where there is no row, a list price takes its place.
    private static let tried = """
        SELECT p.id, p.sku, p.name, p.fulfilment, p.hidden, \(orListed("monthly")), \(orListed("quarterly")),
            \(orListed("semi_annual")), \(orListed("annual")), \(orListed("hourly")), \(orListed("setup_fee")),
            w.discount_rate_override, coalesce(w.is_enabled, 1), w.max_quantity, w.wholesale_once
        FROM product p LEFT JOIN price w ON w.product_id = p.id AND w.reseller_id = ?1
        WHERE NOT p.hidden AND coalesce(w.is_enabled, coalesce(p.list_monthly, p.list_quarterly, p.list_semi_annual,
            p.list_annual, p.list_hourly) IS NOT NULL)
        """
    fileprivate static let triedPage = Statement("\(tried) AND p.id > ?2 ORDER BY p.id LIMIT ?3")
    fileprivate static let triedOne = Statement("\(tried) AND p.sku = ?2")

    private static func orListed(_ name: String) -> String {
        "iif(w.product_id IS NULL, p.list_\(name), w.wholesale_\(name))"
    }
}

extension TenantReader {
    /// Nil for what is hidden, disabled or unpriced: all alike (W4).
    package func offeredProduct(sku: String, resellerID: Int64, book: Book) throws -> PricedProduct? {
        if let priced = try pricedProduct(sku: sku, resellerID: resellerID) { return priced.isOffered ? priced : nil }
        guard book == .test else { return nil }
        return try connection.row(PricedProduct.triedOne, .integer(resellerID), .text(sku), read: PricedProduct.init)
    }

    /// By product id.
    package func offeredProducts(
        resellerID: Int64, book: Book, after productID: Int64, limit: Int
    ) throws -> [PricedProduct] {
        guard book == .test else {
            return try pricedProducts(resellerID: resellerID, onlyOffered: true, after: productID, limit: limit)
        }
        return try connection.rows(
            PricedProduct.triedPage, .integer(resellerID), .integer(productID), .int(limit), read: PricedProduct.init)
    }
}
