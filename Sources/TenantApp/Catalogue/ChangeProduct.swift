package import CallKit
package import TenantRegistry

/// Changes a product: what is nil stays, `.some(nil)` is taken away.
package struct ChangeProduct: Sendable {
    package let sku: String
    package var name: String?
    package var fulfilment: Fulfilment?
    package var isHidden: Bool?
    package var days: Int64??
    package var retailPrice: Money??
    package var wholesalePrice: Money??
    package var list: ListPriceChange??

    package init(sku: String) { self.sku = sku }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Product {
        var product = try tenant.knownProduct(sku)
        if let name { product.name = name }
        if let fulfilment { product.fulfilment = fulfilment }
        if let isHidden { product.isHidden = isHidden }
        if let days { product.days = days }
        if let retailPrice { product.retailPrice = retailPrice }
        if let wholesalePrice { product.wholesalePrice = wholesalePrice }
        if let list { if let list { list.apply(&product.list) } else { product.list = .none } }
        detail.note("product", sku)
        try tenant.save(product)
        return try tenant.knownProduct(sku)
    }
}
