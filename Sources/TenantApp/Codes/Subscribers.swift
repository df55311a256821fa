import SQLite
package import TenantRegistry

/// An end customer with an account at the operator's and the end of its subscription (CONTRACT A8, O11).
package struct Subscriber: Sendable {
    package let id: Int64
    package let publicID: String
    package let email: String
    package let passwordHash: String
    /// Nil until a first code.
    package let endsAt: Timestamp?
    package let createdAt: Timestamp

    fileprivate static let columns = "id, public_id, email, password_hash, ends_at, created_at"

    fileprivate init(_ row: inout RowReader) {
        id = row.int(0)
        publicID = row.text(1)
        email = row.text(2)
        passwordHash = row.text(3)
        endsAt = row.optionalTime(4)
        createdAt = row.time(5)
    }
}

/// A redemption as the operator reads it.
package struct SubscriberRedemption: Sendable {
    package let id: Int64
    package let sku: String
    package let days: Int64
    package let resellerPublicID: String
    package let batchPublicID: String
    package let begins: Timestamp
    package let ends: Timestamp
    package let at: Timestamp
}

extension TenantReader {
    /// By e-mail address, case-folded.
    package func subscriber(email: String, book: Book) throws -> Subscriber? {
        try connection.row(
            dynamic: "SELECT \(Subscriber.columns) FROM subscriber WHERE book = ?1 AND email = ?2",
            [.book(book), .text(email.lowercased())], read: Subscriber.init)
    }

    package func knownSubscriber(_ publicID: String) throws -> Subscriber {
        let found = try connection.row(
            dynamic: "SELECT \(Subscriber.columns) FROM subscriber WHERE public_id = ?1", [.text(publicID)],
            read: Subscriber.init)
        guard let found else { throw Refusal.notFound("subscriber") }
        return found
    }

    /// By id.
    package func subscribers(book: Book, after id: Int64, limit: Int) throws -> [Subscriber] {
        try connection.rows(
            dynamic: "SELECT \(Subscriber.columns) FROM subscriber WHERE book = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            [.book(book), .integer(id), .int(limit)], read: Subscriber.init)
    }

    /// What a subscriber redeemed, newest first, before redemption `id`.
    package func redemptions(of subscriber: Int64, before id: Int64, limit: Int) throws -> [SubscriberRedemption] {
        try connection.rows(
            """
            SELECT r.id, p.sku, b.days, v.public_id, b.public_id, r.begins_at, r.ends_at, r.at
            FROM code_redemption r CROSS JOIN activation_code c ON c.id = r.code_id
                CROSS JOIN code_batch b ON b.id = c.batch_id CROSS JOIN product p ON p.id = b.product_id
                CROSS JOIN reseller v ON v.id = c.reseller_id
            WHERE r.subscriber_id = ?1 AND r.id < ?2 ORDER BY r.id DESC LIMIT ?3
            """,
            .integer(subscriber), .integer(id), .int(limit)
        ) { row in
            SubscriberRedemption(
                id: row.int(0), sku: row.text(1), days: row.int(2), resellerPublicID: row.text(3),
                batchPublicID: row.text(4), begins: row.time(5), ends: row.time(6), at: row.time(7))
        }
    }
}

extension TenantTransaction {
    /// The address must be free: look first.
    package func insertSubscriber(email: String, passwordHash: String, book: Book) throws -> Subscriber {
        try connection.run(
            """
            INSERT INTO subscriber (public_id, book, email, password_hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
            """,
            .text(newPublicID("sub")), .book(book), .text(email.lowercased()), .text(passwordHash), .time(now))
        guard let made = try subscriber(email: email, book: book) else { throw Refusal.defect }
        return made
    }
}
