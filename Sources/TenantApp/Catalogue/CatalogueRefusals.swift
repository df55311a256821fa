import CallKit

extension Missing {
    static let product = Missing("product")
    static let price = Missing("price")
}

extension Conflict {
    static let skuTaken = Conflict("sku_taken", "There is a product with this SKU.")
}
