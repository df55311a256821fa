import CallKit
import SQLite
package import TenantRegistry

/// Somebody whom a reseller signed up on the operator's panel (C2, O11).
package struct PanelUser: Sendable {
    package let id: Int64
    package let email: String
    package let name: String
    package let resellerPublicID: String
    package let signedUpVia: String
    package let createdAt: Timestamp
}

extension TenantReader {
    /// Whether the panel knows the address, as a user of this book or as an account of the tenant; case-folded.
    package func isKnownOnPanel(email: String, book: Book) throws -> Bool {
        let folded = email.lowercased()
        return try connection.exists(
            """
            SELECT 1 FROM panel_user WHERE book = ?1 AND email = ?2
            UNION ALL SELECT 1 FROM account WHERE email = ?2
            """,
            .book(book), .text(folded))
    }

    /// By id; of those signed up with one key, or of all of a book.
    package func panelUsers(signedUpVia key: Int64?, book: Book, after id: Int64, limit: Int) throws -> [PanelUser] {
        var values: [SQLValue] = [.integer(id), .int(limit)]
        var filter: String
        if let key {
            values.append(.integer(key))
            filter = "u.signed_up_via = ?3"
        } else {
            values.append(.book(book))
            filter = "u.book = ?3"
        }
        return try connection.rows(
            dynamic: """
                SELECT u.id, u.email, u.name, r.public_id, k.public_id, u.created_at
                FROM panel_user u CROSS JOIN reseller r ON r.id = u.reseller_id CROSS JOIN api_key k ON k.id = u.signed_up_via
                WHERE \(filter) AND u.id > ?1 ORDER BY u.id LIMIT ?2
                """,
            values
        ) { row in
            try PanelUser(
                id: row.int(), email: row.text(), name: row.text(), resellerPublicID: row.text(),
                signedUpVia: row.text(), createdAt: row.time())
        }
    }
}

extension TenantTransaction {
    /// Returns the user's id, which is a number that tells nobody how many there are: time and chance, as in public
    /// ids, within what a program's exact integers hold. The address must be free: look first.
    package func insertPanelUser(
        email: String, name: String, passwordHash: String, resellerID: Int64, keyID: Int64, book: Book
    ) throws -> Int64 {
        let elapsed = now.milliseconds - Self.idsSince.milliseconds
        var id = max(elapsed, 0) << 10 | Int64(store.randomWords().0 & 1_023)
        while try connection.exists("SELECT 1 FROM panel_user WHERE id = ?1", .integer(id)) { id += 1 }
        try connection.run(
            """
            INSERT INTO panel_user (id, book, email, name, password_hash, reseller_id, signed_up_via, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """,
            .integer(id), .book(book), .text(email.lowercased()), .text(name), .text(passwordHash),
            .integer(resellerID),
            .integer(keyID), .time(now))
        return id
    }

    /// 2020-01-01.
    private static let idsSince = Timestamp(milliseconds: 1_577_836_800_000)
}
