import CallKit
import SQLite
package import TenantRegistry

/// An end customer with an account at the operator's and the end of its subscription (A8, O11).
package struct Subscriber: Sendable {
    package let id: Int64
    package let publicID: String
    package let email: String
    package let passwordHash: String
    /// Nil until a first code.
    package let endsAt: Timestamp?
    package let createdAt: Timestamp
    package let book: Book

    static let columns = Columns<Subscriber>(
        "id", "public_id", "email", "password_hash", "ends_at", "created_at", "book")
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM subscriber WHERE public_id = ?1")
    fileprivate static let byEmail = Statement("SELECT \(columns) FROM subscriber WHERE book = ?1 AND email = ?2")
    fileprivate static let page = Statement(
        "SELECT \(columns) FROM subscriber WHERE book = ?1 AND id > ?2 ORDER BY id LIMIT ?3")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        email = try row.text()
        passwordHash = try row.text()
        endsAt = try row.optionalTime()
        createdAt = try row.time()
        book = try row.value()
    }

    /// Two people may have one address, one in each book.
    package static func realm(of book: Book) -> KnownPlace.Realm { book == .live ? .subscriber : .testSubscriber }
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
    /// The one that is there, as `account(spelt:)` finds it.
    package func subscriber(spelt emails: [String], book: Book) throws -> Subscriber? {
        for email in emails.reversed() {
            if let subscriber = try subscriber(email: email, book: book) { return subscriber }
        }
        return nil
    }

    /// By e-mail address, case-folded.
    package func subscriber(email: String, book: Book) throws -> Subscriber? {
        try connection.row(
            Subscriber.byEmail, .book(book), .text(email.lowercased()), read: Subscriber.init)
    }

    package func subscriber(publicID: String) throws -> Subscriber? {
        try connection.row(Subscriber.byPublicID, .text(publicID), read: Subscriber.init)
    }

    package func knownSubscriber(_ publicID: String) throws -> Subscriber {
        guard let found = try subscriber(publicID: publicID) else { throw Refusal.notFound(.subscriber) }
        return found
    }

    /// By id.
    package func subscribers(book: Book, after id: Int64, limit: Int) throws -> [Subscriber] {
        try connection.rows(
            Subscriber.page, .book(book), .integer(id), .int(limit), read: Subscriber.init)
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
            try SubscriberRedemption(
                id: row.int(), sku: row.text(), days: row.int(), resellerPublicID: row.text(),
                batchPublicID: row.text(), begins: row.time(), ends: row.time(), at: row.time())
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

    /// What was right before is right nowhere any more.
    package func setPasswordHash(_ hash: String, subscriber id: Int64) throws {
        try connection.run("UPDATE subscriber SET password_hash = ?2 WHERE id = ?1", .integer(id), .text(hash))
        for realm in [KnownPlace.Realm.subscriber, .testSubscriber] { try forgetPlaces(of: id, in: realm) }
    }
}
