package import CallKit
import SQLite
package import TenantRegistry

/// One licence key in a reseller's stock.
package struct Licence: Sendable {
    package let id: Int64
    package let resellerID: Int64
    package let sku: String
    package let key: String
    package let expiresAt: Timestamp
    package let createdAt: Timestamp
    package let heldUntil: Timestamp
    package let assignedAt: Timestamp?

    static let columns = Columns<Licence>(
        "l.id", "l.reseller_id", "p.sku", "l.key", "l.expires_at", "l.created_at", "l.held_until", "l.assigned_at")
    static let tables = "licence l JOIN product p ON p.id = l.product_id"
    fileprivate static let byKey = Statement(
        """
        SELECT \(columns) FROM \(tables)
        WHERE l.book = ?1 AND l.key = ?2 AND l.reseller_id = coalesce(?3, l.reseller_id)
        """)
    fileprivate static let available = Statement(
        """
        SELECT \(columns) FROM licence l INDEXED BY licence_unassigned JOIN product p ON p.id = l.product_id
        WHERE l.reseller_id = ?1 AND l.book = ?2 AND l.id > ?3 AND l.assigned_at IS NULL AND l.expires_at > ?4
        ORDER BY l.id LIMIT ?5
        """)
    fileprivate static let byID = Statement("SELECT \(columns) FROM \(tables) WHERE l.id = ?1")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        resellerID = try row.int()
        sku = try row.text()
        key = try row.text()
        expiresAt = try row.time()
        createdAt = try row.time()
        heldUntil = try row.time()
        assignedAt = try row.optionalTime()
    }
}

extension TenantReader {
    /// A licence by its key; of one reseller, or of any (the operator's look).
    package func licence(key: String, resellerID: Int64?, book: Book) throws -> Licence? {
        try connection.row(
            Licence.byKey, .book(book), .text(key), .optional(resellerID), read: Licence.init)
    }

    /// What a reseller can still sell, by id: neither assigned nor expired; held ones too (L3).
    package func availableLicences(resellerID: Int64, book: Book, after id: Int64, limit: Int) throws -> [Licence] {
        try connection.rows(
            Licence.available, .integer(resellerID), .book(book), .integer(id), .time(now), .int(limit),
            read: Licence.init)
    }

    /// All licences by id, for the operator; of one reseller or of all.
    package func licences(resellerID: Int64?, book: Book, after id: Int64, limit: Int) throws -> [Licence] {
        var values: [SQLValue] = [.book(book), .integer(id), .int(limit)]
        var filter = "l.book = ?1 AND l.id > ?2"
        if let resellerID {
            values.append(.integer(resellerID))
            filter += " AND l.reseller_id = ?4"
        }
        return try connection.rows(
            dynamic: "SELECT \(Licence.columns) FROM \(Licence.tables) WHERE \(filter) ORDER BY l.id LIMIT ?3", values,
            read: Licence.init)
    }

    /// The next licence in the draw from `lot` on, around the end: neither assigned, expired nor held.
    package func drawLicence(from lot: Int64, resellerID: Int64, book: Book) throws -> Int64? {
        try drawn(from: lot, to: .max, resellerID, book) ?? drawn(from: .min, to: lot, resellerID, book)
    }

    private func drawn(from first: Int64, to last: Int64, _ resellerID: Int64, _ book: Book) throws -> Int64? {
        try connection.row(
            """
            SELECT id FROM licence INDEXED BY licence_draw
            WHERE reseller_id = ?1 AND book = ?2 AND lot BETWEEN ?3 AND ?4 AND expires_at > ?5 AND held_until <= ?5
                AND assigned_at IS NULL
            ORDER BY lot LIMIT 1
            """,
            .integer(resellerID), .book(book), .integer(first), .integer(last), .time(now)
        ) { try $0.int() }
    }

    package func licence(id: Int64) throws -> Licence? {
        try connection.row(Licence.byID, .integer(id), read: Licence.init)
    }

    /// To whom a licence went; nil while it is in stock.
    package func assignee(ofLicence id: Int64) throws -> String? {
        try connection.row("SELECT discord_user_id FROM licence_assignment WHERE licence_id = ?1", .integer(id)) {
            try $0.text()
        }
    }
}

extension TenantTransaction {
    /// Keeps a licence from every other draw, and gives it another place in it.
    package func holdLicence(_ id: Int64, until: Timestamp, lot: Int64) throws {
        try connection.run(
            "UPDATE licence SET held_until = ?2, lot = ?3 WHERE id = ?1", .integer(id), .time(until), .integer(lot))
    }

    /// Once a licence; look first. The detail vouches for it.
    package func assignLicence(_ id: Int64, to user: String, keyID: Int64, detail: inout AuditDetail) throws {
        let now = now
        try connection.run(
            "INSERT INTO licence_assignment (licence_id, discord_user_id, at, key_id) VALUES (?1, ?2, ?3, ?4)",
            .integer(id), .text(user), .time(now), .integer(keyID))
        let assignment = connection.lastInsertedRowID
        try connection.run("UPDATE licence SET assigned_at = ?2 WHERE id = ?1", .integer(id), .time(now))
        try detail.vouch(for: assignment...assignment, of: .licenceAssignment, connection)
    }
}
