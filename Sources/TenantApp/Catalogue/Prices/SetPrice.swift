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
    /// The row that the caller read, by its tag (RFC 9110, §13.1.1); nil: whatever is there.
    package let meant: String?

    /// `tag`: of a row as it is read.
    package func run(
        _ tenant: TenantTransaction, _ detail: inout AuditDetail, tag: (PricedProduct) -> EntityTag
    ) throws -> PricedProduct {
        if let meant { try judge(meant, tenant, tag) }
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

    private func judge(_ meant: String, _ tenant: TenantReader, _ tag: (PricedProduct) -> EntityTag) throws {
        _ = try tenant.knownProduct(sku)
        let reseller = try tenant.knownReseller(resellerID)
        let row = try tenant.pricedProduct(sku: sku, resellerID: reseller.id, book: book)
        guard let row, tag(row).isMeant(by: meant) else { throw Refusal.conflict(.priceMoved) }
    }
}
