import CallKit
import Cryptography
import HTTPCore
import SQLite
package import TenantRegistry

/// What orders of a product with fulfilment `stock` take, oldest first (O4). The texts are sealed under the tenant's
/// key, and are read nowhere but into the details of the service that was sold.
package struct StockItem: Sendable {
    package let id: Int64
    package let publicID: String
    package let createdAt: Timestamp
    package let soldAt: Timestamp?
    package let withdrawnAt: Timestamp?
    package let servicePublicID: String?

    static let columns = Columns<StockItem>(
        "i.id", "i.public_id", "i.created_at", "i.sold_at", "i.withdrawn_at", "s.public_id")
    static let tables = "stock_item i LEFT JOIN service s ON s.id = i.service_id"
    fileprivate static let page = Statement(
        """
        SELECT \(columns) FROM \(tables)
        WHERE i.book = ?1 AND i.product_id = ?2 AND i.id > ?3 ORDER BY i.id LIMIT ?4
        """)
    fileprivate static let byPublicID = Statement(
        "SELECT i.book, \(columns) FROM \(tables) WHERE i.public_id = ?1 AND i.product_id = ?2")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        createdAt = try row.time()
        soldAt = try row.optionalTime()
        withdrawnAt = try row.optionalTime()
        servicePublicID = try row.optionalText()
    }
}

/// A free item, as an order takes it.
package struct FreeStockItem: Sendable {
    let id: Int64
    let sealed: [UInt8]
}

package struct StockCounts: Sendable {
    package let free: Int64
    package let sold: Int64
    package let withdrawn: Int64
}

/// An item on its way in.
package struct StagedStockItem: Sendable {
    package let place: Int
    package let text: String
    package let fingerprint: [UInt8]
}

/// What an item's text is called among the details of its service.
private let itemName = "item"

extension TenantReader {
    /// Oldest first.
    package func freeStock(product: Int64, book: Book, limit: Int64) throws -> [FreeStockItem] {
        try connection.rows(
            """
            SELECT id, sealed FROM stock_item
            WHERE book = ?1 AND product_id = ?2 AND sold_at IS NULL AND withdrawn_at IS NULL ORDER BY id LIMIT ?3
            """,
            .book(book), .integer(product), .integer(limit)
        ) { FreeStockItem(id: try $0.int(), sealed: try $0.blob()) }
    }

    package func stockCounts(product: Int64, book: Book) throws -> StockCounts {
        try connection.row(
            """
            SELECT count(*) FILTER (WHERE sold_at IS NULL AND withdrawn_at IS NULL), count(sold_at),
                count(withdrawn_at)
            FROM stock_item WHERE book = ?1 AND product_id = ?2
            """,
            .book(book), .integer(product)
        ) { StockCounts(free: try $0.int(), sold: try $0.int(), withdrawn: try $0.int()) }
            ?? StockCounts(free: 0, sold: 0, withdrawn: 0)
    }

    /// Oldest first, past item `id`.
    package func stockItems(product: Int64, book: Book, after id: Int64, limit: Int) throws -> [StockItem] {
        try connection.rows(
            StockItem.page, .book(book), .integer(product), .integer(id), .int(limit), read: StockItem.init)
    }

    package func stockItem(publicID: String, product: Int64) throws -> (item: StockItem, book: Book)? {
        try connection.row(StockItem.byPublicID, .text(publicID), .integer(product)) { row in
            let book: Book = try row.value()
            return (try StockItem(&row), book)
        }
    }

    /// The same text gives the same, of one tenant and product alone: a second one is found without opening the first.
    package func stockFingerprint(_ text: String, product: Int64) -> [UInt8] {
        let context = tenantID.bytes + Array("stock:\(product):".utf8)
        return HMACSHA256.code(key: store.secretKey, context, Array(text.utf8)).bytes
    }

    package func hasStock(fingerprint: [UInt8], product: Int64, book: Book) throws -> Bool {
        try connection.exists(
            "SELECT 1 FROM stock_item WHERE book = ?1 AND product_id = ?2 AND fingerprint = ?3", .book(book),
            .integer(product), .blob(fingerprint))
    }

    fileprivate var stockContext: [UInt8] { tenantID.bytes + Array("stock-item".utf8) }
}

extension TenantTransaction {
    /// A free item becomes what a service has: its text goes to the details, sealed there anew.
    package func sell(_ item: FreeStockItem, as service: Int64) throws {
        let text = try AES256GCM.open(item.sealed, key: store.secretKey, associatedData: stockContext)
        try setDetails(
            ServiceDetails([
                ServiceDetails.Item(name: itemName, value: String(decoding: text, as: UTF8.self), isSecret: true)
            ]), ofService: service)
        try connection.run(
            "UPDATE stock_item SET service_id = ?2, sold_at = ?3 WHERE id = ?1", .integer(item.id), .integer(service),
            .time(now))
    }

    /// It is sold to nobody any more.
    package func withdraw(_ item: StockItem) throws {
        try connection.run("UPDATE stock_item SET withdrawn_at = ?2 WHERE id = ?1", .integer(item.id), .time(now))
    }

    /// In a fork (B2): an item's public id stands in the place of its text.
    package func replaceStockTexts() throws {
        let items = try connection.rows("SELECT id, public_id, product_id FROM stock_item") {
            (id: try $0.int(), publicID: try $0.text(), product: try $0.int())
        }
        for item in items {
            let sealed = try AES256GCM.seal(
                Array(item.publicID.utf8), key: store.secretKey, associatedData: stockContext, random: store.random)
            try connection.run(
                "UPDATE stock_item SET sealed = ?2, fingerprint = ?3 WHERE id = ?1", .integer(item.id), .blob(sealed),
                .blob(stockFingerprint(item.publicID, product: item.product)))
        }
    }

    // MARK: Coming in

    package func stage(_ rows: [StagedStockItem], importID: Int64) throws {
        for row in rows {
            let sealed = try AES256GCM.seal(
                Array(row.text.utf8), key: store.secretKey, associatedData: stockContext, random: store.random)
            try connection.run(
                "INSERT INTO stock_staging (import_id, place, sealed, fingerprint) VALUES (?1, ?2, ?3, ?4)",
                .integer(importID), .int(row.place), .blob(sealed), .blob(row.fingerprint))
        }
    }

    /// Makes the staged items stock, all in this transaction; false, and nothing done that stays, where one is there
    /// already or rows are missing: throw then.
    package func applyStagedStock(importID: Int64, count: Int64, product: Int64, book: Book) throws -> Bool {
        let staged = try connection.rows(
            "SELECT sealed, fingerprint FROM stock_staging WHERE import_id = ?1 ORDER BY place", .integer(importID)
        ) { (sealed: try $0.blob(), fingerprint: try $0.blob()) }
        guard staged.count == count, count > 0 else { return false }
        for row in staged {
            guard try !hasStock(fingerprint: row.fingerprint, product: product, book: book) else { return false }
            try connection.run(
                """
                INSERT INTO stock_item (public_id, book, product_id, sealed, fingerprint, created_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                """,
                .text(newPublicID("stk")), .book(book), .integer(product), .blob(row.sealed), .blob(row.fingerprint),
                .time(now))
        }
        try connection.run("DELETE FROM stock_staging WHERE import_id = ?1", .integer(importID))
        return true
    }

    /// Clears up to `rowsMax` rows of an import that came to nothing; false once there are no more.
    package func discardStagedStock(importID: Int64, rowsMax: Int) throws -> Bool {
        try connection.run(
            """
            DELETE FROM stock_staging WHERE import_id = ?1 AND place IN
                (SELECT place FROM stock_staging WHERE import_id = ?1 LIMIT ?2)
            """,
            .integer(importID), .int(rowsMax))
        return try connection.exists("SELECT 1 FROM stock_staging WHERE import_id = ?1", .integer(importID))
    }
}
