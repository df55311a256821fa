import CallKit

extension Missing {
    static let product = Missing("product")
    static let price = Missing("price")
}

extension Conflict {
    static let bookMoved = Conflict(
        "book_moved", "It has changed since the dry run that gave the hash in If-Match.", status: 412)
    static let priceMoved = Conflict(
        "price_moved", "The row is not, or no longer, the one that a tag in If-Match names.", status: 412)
    static let skuTaken = Conflict("sku_taken", "There is a product with this SKU.", pointer: "/sku")
}
