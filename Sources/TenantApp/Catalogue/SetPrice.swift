package import CallKit
package import TenantRegistry

/// Writes a row of a reseller's price book (O4, W2): what the call names, and nothing else of a row that is there.
package struct SetPrice: Sendable {
    package let resellerID: String
    package let sku: String
    package let change: PriceRowChange
    package let author: PriceAuthor

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> PricedProduct {
        let reseller = try tenant.knownReseller(resellerID)
        let product = try tenant.knownProduct(sku)
        detail.resellerID = reseller.id
        detail.note("reseller", reseller.publicID)
        detail.note("product", product.sku)
        var price =
            try tenant.pricedProduct(sku: sku, resellerID: reseller.id)?.price ?? PriceRow(terms: TermPrices())
        change.apply(&price)
        try tenant.savePrice(price, resellerID: reseller.id, productID: product.id, by: author)
        guard let row = try tenant.pricedProduct(sku: sku, resellerID: reseller.id) else { throw Refusal.defect }
        return row
    }
}
