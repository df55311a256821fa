import HTTPCore
import SQLite
package import TenantRegistry

/// What a list of products asks for (O4). A value: any thread.
package struct ProductFilter: Sendable {
    package var fulfilment: Fulfilment?
    package var isHidden: Bool?
    /// How its SKU or its name begins; folded.
    package var beginning: String?

    package init() {}

    fileprivate func matches(_ product: Product) -> Bool {
        guard let beginning else { return true }
        return [product.sku, product.name].contains { $0.folded.utf8.starts(with: beginning.utf8) }
    }
}

extension TenantReader {
    /// Products that are so, by their ids, `limit` at most. `next`: the id behind which the list goes on; nil at its
    /// end. One that finds little may be short, and goes on.
    package func products(
        _ filter: ProductFilter, after id: Int64, limit: Int
    ) throws -> (rows: [Product], next: Int64?) {
        var found = FilteredRows(of: "product", behind: id)
        if let fulfilment = filter.fulfilment {
            found.expect("fulfilment = \(found.bind(.text(fulfilment.rawValue)))")
        }
        if let isHidden = filter.isHidden { found.expect("hidden = \(found.bind(.bool(isHidden)))") }
        // Texts are folded as the program folds them, not as SQL does.
        return try found.page(connection, "\(Product.columns)", limit: limit) { row in
            let product = try Product(&row)
            return filter.matches(product) ? product : nil
        }
    }
}
