import SQLite
package import TenantRegistry

/// A reconciliation that was made: its report as it was answered (CONTRACT O8).
package struct StoredReconciliation: Sendable {
    package let id: Int64
    package let publicID: String
    package let resellerPublicID: String
    package let agrees: Bool
    /// JSON.
    package let report: String
    package let at: Timestamp

    fileprivate static let select = """
        SELECT c.id, c.public_id, r.public_id, c.agrees, c.report, c.at
        FROM reconciliation c CROSS JOIN reseller r ON r.id = c.reseller_id
        """

    fileprivate init(_ row: inout RowReader) {
        id = row.int(0)
        publicID = row.text(1)
        resellerPublicID = row.text(2)
        agrees = row.bool(3)
        report = row.text(4)
        at = row.time(5)
    }
}

extension TenantReader {
    package func reconciliation(publicID: String) throws -> StoredReconciliation? {
        try connection.row(
            dynamic: "\(StoredReconciliation.select) WHERE c.public_id = ?1", [.text(publicID)],
            read: StoredReconciliation.init)
    }

    /// Newest first, before reconciliation `id`.
    package func reconciliations(
        resellerID: Int64?, book: Book, before id: Int64, limit: Int
    ) throws -> [StoredReconciliation] {
        try connection.rows(
            dynamic: """
                \(StoredReconciliation.select)
                WHERE c.book = ?1 AND c.id < ?2 AND (?4 IS NULL OR c.reseller_id = ?4) ORDER BY c.id DESC LIMIT ?3
                """,
            [.book(book), .integer(id), .int(limit), .optional(resellerID)], read: StoredReconciliation.init)
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
