package import CallKit
import SQLite
package import TenantRegistry

/// How an order of a product is carried out (O4).
package enum Fulfilment: String, Sendable, CaseIterable, AnswerValue {
    /// Active at once.
    case instant
    /// Pending until an operator activates or rejects it; the money is held meanwhile.
    case manual
    /// By a call to a provisioning service.
    case http
    /// From imported stock.
    case stock

    /// Whether an order waits, its money held, until somebody or something decides it.
    package var holds: Bool { self == .manual || self == .http }
}

package struct Product: Sendable {
    package let id: Int64
    package let sku: String
    package var name: String
    package var fulfilment: Fulfilment
    package var isHidden: Bool
    package var days: Int64?
    package var retailPrice: Money?
    /// What one unit sold for once costs a reseller that has no price of its own: a plan of codes has it (A2).
    package var wholesalePrice: Money?
    package var list: ListPrices
    package let createdAt: Timestamp
    package let updatedAt: Timestamp

    static let columns = Columns<Product>(
        "id", "sku", "name", "fulfilment", "hidden", "days", "retail_price", "created_at", "updated_at",
        "wholesale_price", "\(ListPrices.columns)")
    fileprivate static let bySKU = Statement("SELECT \(columns) FROM product WHERE sku = ?1")
    fileprivate static let byID = Statement("SELECT \(columns) FROM product WHERE id = ?1")
    fileprivate static let page = Statement("SELECT \(columns) FROM product WHERE id > ?1 ORDER BY id LIMIT ?2")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        sku = try row.text()
        name = try row.text()
        fulfilment = try row.value()
        isHidden = try row.bool()
        days = try row.optionalInt()
        retailPrice = try row.optionalMoney()
        createdAt = try row.time()
        updatedAt = try row.time()
        wholesalePrice = try row.optionalMoney()
        list = try ListPrices(&row)
    }
}

extension TenantReader {
    /// The product that a path names, or 404.
    package func knownProduct(_ sku: String) throws -> Product {
        guard let product = try product(sku: sku) else { throw Refusal.notFound(.product) }
        return product
    }

    package func product(sku: String) throws -> Product? {
        try connection.row(Product.bySKU, .text(sku), read: Product.init)
    }

    package func product(id: Int64) throws -> Product? {
        try connection.row(Product.byID, .integer(id), read: Product.init)
    }

    package func products(after id: Int64, limit: Int) throws -> [Product] {
        try connection.rows(Product.page, .integer(id), .int(limit), read: Product.init)
    }
}

extension TenantTransaction {
    /// The SKU must be free: look first.
    package func insertProduct(
        sku: String, name: String, fulfilment: Fulfilment, isHidden: Bool, days: Int64?, retailPrice: Money?,
        wholesalePrice: Money? = nil, list: ListPrices = .none
    ) throws -> Product {
        try connection.run(
            dynamic: """
                INSERT INTO product (sku, name, fulfilment, hidden, days, retail_price, created_at, updated_at,
                    wholesale_price, \(ListPrices.columns))
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                """,
            [
                .text(sku), .text(name), .text(fulfilment.rawValue), .bool(isHidden), .optional(days),
                .optional(retailPrice), .time(now), .optional(wholesalePrice),
            ] + list.values)
        // The list of plans shows a new one to everybody.
        forgetAnswers(resellerID: nil)
        guard let product = try product(sku: sku) else { throw Refusal.notFound(.product) }
        return product
    }

    package func save(_ product: Product) throws {
        try connection.run(
            dynamic: """
                UPDATE product SET name = ?2, fulfilment = ?3, hidden = ?4, days = ?5, retail_price = ?6,
                    updated_at = ?7, wholesale_price = ?8,
                    (\(ListPrices.columns)) = (?9, ?10, ?11, ?12, ?13, ?14)
                WHERE id = ?1
                """,
            [
                .integer(product.id), .text(product.name), .text(product.fulfilment.rawValue),
                .bool(product.isHidden), .optional(product.days), .optional(product.retailPrice), .time(now),
                .optional(product.wholesalePrice),
            ] + product.list.values)
        // Everybody's price list may name it.
        forgetAnswers(resellerID: nil)
    }

    /// The price lists kept ready for the loops are stale once this commits; of one reseller or of all.
    package func forgetAnswers(resellerID: Int64?) {
        memory.prices.removeAll()
        let record = store.record
        store.afterCommit {
            if let resellerID { record?.answers.drop(resellerID: resellerID) } else { record?.answers.dropAnswers() }
        }
    }
}
