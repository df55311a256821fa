import CallKit
import SQLite
import TenantRegistry

/// A purchase of codes, and how many of it were redeemed.
struct CodeBatch: Sendable {
    let id: Int64
    let publicID: String
    let book: Book
    let resellerPublicID: String
    let sku: String
    let days: Int64
    let quantity: Int64
    let redeemed: Int64
    let unitPrice: Money
    let total: Money
    let createdAt: Timestamp

    static let columns = Columns<CodeBatch>(
        "b.id", "b.public_id", "b.book", "r.public_id", "p.sku", "b.days", "b.quantity",
        """
        (SELECT count(*) FROM activation_code c WHERE c.batch_id = b.id AND c.redeemed_at IS NOT NULL) AS redeemed
        """, "b.unit_price", "b.total", "b.created_at")
    fileprivate static let page = Statement(
        """
        SELECT \(columns) FROM code_batch b CROSS JOIN reseller r ON r.id = b.reseller_id
            CROSS JOIN product p ON p.id = b.product_id
        WHERE b.book = ?1 AND b.id < ?2 ORDER BY b.id DESC LIMIT ?3
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        book = try row.value()
        resellerPublicID = try row.text()
        sku = try row.text()
        days = try row.int()
        quantity = try row.int()
        redeemed = try row.int()
        unitPrice = try row.money()
        total = try row.money()
        createdAt = try row.time()
    }
}

extension TenantReader {
    func codeBatches(book: Book, before id: Int64, limit: Int) throws -> [CodeBatch] {
        try connection.rows(CodeBatch.page, .book(book), .integer(id), .int(limit), read: CodeBatch.init)
    }
}
