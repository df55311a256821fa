import CallKit
import SQLite
package import TenantRegistry

/// What a reseller may order. In the live book by its own price rows alone (W2). In the test book its rows of that book
/// go before, and list prices come behind, so that integrating waits for nobody (O4, W12).
extension PricedProduct {
    /// Where there is no row, a list price takes its place.
    private static let tried = """
        SELECT p.id, p.sku, p.name, p.fulfilment, p.hidden, \(orListed("monthly")), \(orListed("quarterly")),
            \(orListed("semi_annual")), \(orListed("annual")), \(orListed("hourly")), \(orListed("setup_fee")),
            \(inForce("discount_rate_override")), coalesce(\(inForce("is_enabled")), 1), \(inForce("max_quantity")),
            \(inForce("wholesale_once"))
        FROM product p \(PriceRow.joins(reseller: "?1", product: "p.id", isTest: "1"))
        WHERE NOT p.hidden AND coalesce(\(inForce("is_enabled")), coalesce(p.list_monthly, p.list_quarterly,
            p.list_semi_annual, p.list_annual, p.list_hourly) IS NOT NULL)
        """
    fileprivate static let triedPage = Statement("\(tried) AND p.id > ?2 ORDER BY p.id LIMIT ?3")
    fileprivate static let triedOne = Statement("\(tried) AND p.sku = ?2")

    private static func orListed(_ name: String) -> String {
        "iif(\(inForce("product_id")) IS NULL, p.list_\(name), \(inForce("wholesale_\(name)")))"
    }

    private static func inForce(_ column: String) -> String { PriceRow.inForce(column) }
}

extension TenantReader {
    /// Nil for what is hidden, disabled or unpriced: all alike (W4).
    package func offeredProduct(sku: String, resellerID: Int64, book: Book) throws -> PricedProduct? {
        let own = try book == .test ? pricedProduct(sku: sku, resellerID: resellerID, book: .test) : nil
        if let priced = try own ?? pricedProduct(sku: sku, resellerID: resellerID) {
            return priced.isOffered ? priced : nil
        }
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
