package import CallKit
package import TenantRegistry

/// Writes a row of a reseller's price book, live or test (O4, W2): what the call names, and nothing else of a row that
/// is there.
package struct SetPrice: Sendable {
    package let resellerID: String
    package let sku: String
    package let book: Book
    package let change: PriceRowChange
    package let author: PriceAuthor

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> PricedProduct {
        let reseller = try tenant.standingReseller(resellerID)
        let product = try tenant.knownProduct(sku)
        detail.resellerID = reseller.id
        detail.note("reseller", reseller.publicID)
        detail.note("product", product.sku)
        if book == .test { detail.note("mode", book.name) }
        var price =
            try tenant.pricedProduct(sku: sku, resellerID: reseller.id, book: book)?.price
            ?? PriceRow(terms: TermPrices())
        change.apply(&price)
        try tenant.savePrice(price, resellerID: reseller.id, productID: product.id, book: book, by: author)
        guard let row = try tenant.pricedProduct(sku: sku, resellerID: reseller.id, book: book) else {
            throw Refusal.defect
        }
        return row
    }
}
