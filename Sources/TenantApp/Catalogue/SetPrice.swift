package import CallKit
package import TenantRegistry

/// Writes one whole row of a reseller's price book (O4, W2): what the row does not price is not sold.
package struct SetPrice: Sendable {
    package let resellerID: String
    package let sku: String
    package let price: PriceRow

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> PricedProduct {
        let reseller = try tenant.knownReseller(resellerID)
        let product = try tenant.knownProduct(sku)
        detail.resellerID = reseller.id
        detail.note("reseller", reseller.publicID)
        detail.note("product", product.sku)
        try tenant.savePrice(price, resellerID: reseller.id, productID: product.id)
        guard let row = try tenant.pricedProduct(sku: sku, resellerID: reseller.id) else { throw Refusal.defect }
        return row
    }
}
