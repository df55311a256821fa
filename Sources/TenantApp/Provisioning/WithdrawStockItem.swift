package import CallKit
package import TenantRegistry

/// Withdraws a free item from stock, so that nobody is sold it any more (O4). Again: the same answer.
package struct WithdrawStockItem: Sendable {
    package let sku: String
    package let itemID: String
    /// The book that the caller may change.
    package let callerBook: Book

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> StockItem {
        let product = try tenant.knownProduct(sku)
        let (item, book) = try tenant.knownStockItem(itemID, product: product.id)
        try callerBook.judgeWrite(to: book)
        guard item.soldAt == nil else { throw Refusal.conflict(.stockItemSold) }
        if item.withdrawnAt == nil { try tenant.withdraw(item) }
        detail.note("stock_item", item.publicID)
        return try tenant.knownStockItem(itemID, product: product.id).item
    }
}

extension TenantReader {
    /// The item that a call names, or 404.
    fileprivate func knownStockItem(_ publicID: String, product: Int64) throws -> (item: StockItem, book: Book) {
        guard let known = try stockItem(publicID: publicID, product: product) else {
            throw Refusal.notFound(.stockItem)
        }
        return known
    }
}
