package import CallKit
package import TenantRegistry

/// Takes a price row of the test book away, so that the live one holds there again (O4, O1). A live row is disabled,
/// never removed.
package struct RemoveTestPrice: Sendable {
    package let resellerID: String
    package let sku: String
    /// The book that the call is about.
    package let book: Book
    package let author: PriceAuthor
    /// As for `SetPrice`.
    package let meant: String?

    /// `tag`: of a row as it is read.
    package func run(
        _ tenant: TenantTransaction, _ detail: inout AuditDetail, tag: (PricedProduct) -> EntityTag
    ) throws {
        let reseller = try tenant.standingReseller(resellerID)
        let product = try tenant.knownProduct(sku)
        guard book == .test else {
            throw Refusal.field("/mode", "choice", "must be test: a live row is not removed, but disabled")
        }
        guard let row = try tenant.priceRow(resellerID: reseller.id, productID: product.id, book: .test) else {
            throw Refusal.notFound(.price)
        }
        if let meant {
            let read = try tenant.pricedProduct(sku: sku, resellerID: reseller.id, book: .test)
            guard let read, tag(read).isMeant(by: meant) else { throw Refusal.conflict(.priceMoved) }
        }
        detail.resellerID = reseller.id
        detail.note("reseller", reseller.publicID)
        detail.note("product", product.sku)
        detail.note("mode", Book.test.name)
        try tenant.removeTestPrice(row, resellerID: reseller.id, productID: product.id, by: author)
    }
}
