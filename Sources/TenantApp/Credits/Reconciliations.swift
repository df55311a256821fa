import CallKit
import SQLite
package import TenantRegistry

/// A reconciliation that was made: its report as it was answered (O8).
package struct StoredReconciliation: Sendable {
    package let id: Int64
    package let publicID: String
    package let resellerPublicID: String
    package let agrees: Bool
    /// JSON.
    package let report: String
    package let at: Timestamp

    static let columns = Columns<StoredReconciliation>(
        "c.id", "c.public_id", "r.public_id", "c.agrees", "c.report", "c.at")
    static let tables = "reconciliation c CROSS JOIN reseller r ON r.id = c.reseller_id"
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM \(tables) WHERE c.public_id = ?1")
    fileprivate static let page = Statement(
        """
        SELECT \(columns) FROM \(tables)
        WHERE c.book = ?1 AND c.id < ?2 AND (?4 IS NULL OR c.reseller_id = ?4) ORDER BY c.id DESC LIMIT ?3
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        resellerPublicID = try row.text()
        agrees = try row.bool()
        report = try row.text()
        at = try row.time()
    }
}

extension TenantReader {
    package func reconciliation(publicID: String) throws -> StoredReconciliation? {
        try connection.row(
            StoredReconciliation.byPublicID, .text(publicID), read: StoredReconciliation.init)
    }

    /// Newest first, before reconciliation `id`.
    package func reconciliations(
        resellerID: Int64?, book: Book, before id: Int64, limit: Int
    ) throws -> [StoredReconciliation] {
        try connection.rows(
            StoredReconciliation.page, .book(book), .integer(id), .int(limit), .optional(resellerID),
            read: StoredReconciliation.init)
    }
}

extension TenantTransaction {
    package func insertReconciliation(
        publicID: String, resellerID: Int64, book: Book, accountID: Int64, agrees: Bool, report: [UInt8]
    ) throws {
        try connection.run(
            """
            INSERT INTO reconciliation (public_id, book, reseller_id, account_id, agrees, report, at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """,
            .text(publicID), .book(book), .integer(resellerID), .integer(accountID), .bool(agrees),
            .text(String(decoding: report, as: UTF8.self)), .time(now))
    }
}
