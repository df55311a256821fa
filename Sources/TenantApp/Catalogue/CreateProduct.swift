package import CallKit
package import TenantRegistry

/// Adds a product to the catalogue (O4). Its SKU is its name for ever; it is hidden rather than deleted.
package struct CreateProduct: Sendable {
    package let sku: String
    package let name: String
    package let fulfilment: Fulfilment
    package let isHidden: Bool
    package let days: Int64?
    package let retailPrice: Money?
    package let wholesalePrice: Money?
    package let list: ListPrices

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Product {
        if try tenant.product(sku: sku) != nil {
            throw Refusal.conflict(.skuTaken)
        }
        detail.note("product", sku)
        return try tenant.insertProduct(
            sku: sku, name: name, fulfilment: fulfilment, isHidden: isHidden, days: days, retailPrice: retailPrice,
            wholesalePrice: wholesalePrice, list: list)
    }
}
