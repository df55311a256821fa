import CallKit
package import TenantRegistry

/// A place in the price book, whether there is a row in it or not: every product for one reseller, or one product for
/// every reseller (O4).
package struct SheetRow: Sendable {
    package let reseller: Reseller
    package let product: Product
    /// Nil where the reseller is offered no such product.
    package let price: PriceRow?
}

/// Which places of a price book a sheet shows. A value.
package enum PriceSheet: Sendable {
    case ofReseller(String)
    case ofProduct(String)

    /// `book`: whose rows the prices are.
    package func rows(of book: Book, after id: Int64, limit: Int, _ tenant: TenantReader) throws -> [SheetRow] {
        switch self {
        case .ofReseller(let name):
            let reseller = try tenant.knownReseller(name)
            return try tenant.products(after: id, limit: limit).map { product in
                let price = try tenant.priceRow(resellerID: reseller.id, productID: product.id, book: book)
                return SheetRow(reseller: reseller, product: product, price: price)
            }
        case .ofProduct(let sku):
            let product = try tenant.knownProduct(sku)
            return try tenant.resellers(ResellerFilter(), after: id, limit: limit).map { reseller in
                let price = try tenant.priceRow(resellerID: reseller.id, productID: product.id, book: book)
                return SheetRow(reseller: reseller, product: product, price: price)
            }
        }
    }

    /// By what its rows are in order.
    package func place(of row: SheetRow) -> Int64 {
        switch self {
        case .ofReseller: row.product.id
        case .ofProduct: row.reseller.id
        }
    }
}
