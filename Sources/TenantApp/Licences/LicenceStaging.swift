package import CallKit
import SQLite
package import TenantRegistry

/// A licence on its way in, its reseller and product known.
package struct StagedLicence: Sendable {
    /// The line or the element of the file: unique within an import.
    package let place: Int
    package let resellerID: Int64
    package let productID: Int64
    package let key: String
    package let expiresAt: Timestamp

    package init(place: Int, resellerID: Int64, productID: Int64, key: String, expiresAt: Timestamp) {
        self.place = place
        self.resellerID = resellerID
        self.productID = productID
        self.key = key
        self.expiresAt = expiresAt
    }
}

extension TenantTransaction {
    package func stage(_ rows: [StagedLicence], importID: Int64) throws {
        for row in rows {
            try connection.run(
                """
                INSERT INTO licence_staging (import_id, place, reseller_id, product_id, key, expires_at, lot)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                """,
                .integer(importID), .int(row.place), .integer(row.resellerID), .integer(row.productID), .text(row.key),
                .time(row.expiresAt), .integer(Int64(bitPattern: store.random.uint64())))
        }
    }

    /// Makes the staged rows stock, all in this transaction; false, and nothing done that stays, where one of the keys
    /// is there already or rows are missing: throw then. Refuses rows of a reseller that was terminated meanwhile (W1).
    package func applyStagedLicences(importID: Int64, count: Int64, book: Book, detail: inout AuditDetail) throws
        -> Bool
    {
        let isTooLate = try connection.exists(
            "SELECT 1 FROM licence_staging s JOIN reseller r ON r.id = s.reseller_id WHERE s.import_id = ?1 AND r.state = 3",
            .integer(importID))
        if isTooLate { throw Refusal.conflict(.resellerTerminated) }
        let before = try lastLicenceID()
        try connection.run(
            """
            INSERT INTO licence (id, book, reseller_id, product_id, key, expires_at, created_at, lot)
            SELECT ?4 + row_number() OVER (ORDER BY place), ?2, reseller_id, product_id, key, expires_at, ?3, lot
            FROM licence_staging WHERE import_id = ?1 ORDER BY place
            ON CONFLICT DO NOTHING
            """,
            .integer(importID), .book(book), .time(now), .integer(before))
        guard connection.changes == Int(count), count > 0 else { return false }
        let after = before + count
        try connection.run("DELETE FROM licence_staging WHERE import_id = ?1", .integer(importID))
        try detail.vouch(for: before + 1...after, of: .licence, connection)
        return true
    }

    /// Of those that were withdrawn too: no two licences ever have one id, since the chain vouches by it.
    func lastLicenceID() throws -> Int64 {
        try connection.row(
            """
            SELECT max((SELECT coalesce(max(id), 0) FROM licence),
                (SELECT coalesce(max(licence_id), 0) FROM licence_withdrawal))
            """
        ) { try $0.int() } ?? 0
    }

    /// Clears up to `rowsMax` rows of an import that came to nothing; false once there are no more.
    package func discardStagedLicences(importID: Int64, rowsMax: Int) throws -> Bool {
        try connection.run(
            """
            DELETE FROM licence_staging WHERE import_id = ?1 AND place IN
                (SELECT place FROM licence_staging WHERE import_id = ?1 LIMIT ?2)
            """,
            .integer(importID), .int(rowsMax))
        return try connection.exists("SELECT 1 FROM licence_staging WHERE import_id = ?1", .integer(importID))
    }
}
