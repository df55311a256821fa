import CallKit
import SQLite
package import TenantRegistry

/// A reseller's end client.
package struct Customer: Sendable {
    package let id: Int64
    package let publicID: String
    package let resellerID: Int64
    package let externalID: String?
    package let email: String?
    package let name: String?
    package let createdAt: Timestamp

    static let columns = Columns<Customer>(
        "id", "public_id", "reseller_id", "external_id", "email", "name", "created_at")
    fileprivate static let byExternalID = Statement(
        "SELECT \(columns) FROM customer WHERE reseller_id = ?1 AND book = ?2 AND external_id = ?3")

    fileprivate static let byID = Statement("SELECT \(columns) FROM customer WHERE id = ?1")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        resellerID = try row.int()
        externalID = try row.optionalText()
        email = try row.optionalText()
        name = try row.optionalText()
        createdAt = try row.time()
    }
}

extension TenantReader {
    package func customer(externalID: String, resellerID: Int64, book: Book) throws -> Customer? {
        try connection.row(
            Customer.byExternalID, .integer(resellerID), .book(book), .text(externalID), read: Customer.init)
    }

    /// Who they are, by their inner ids.
    package func customers(ids: Set<Int64>) throws -> [Int64: Customer] {
        var found: [Int64: Customer] = [:]
        for id in ids { found[id] = try connection.row(Customer.byID, .integer(id), read: Customer.init) }
        return found
    }

    /// By id; of one reseller or of all (the operator's list).
    package func customers(resellerID: Int64?, book: Book, after id: Int64, limit: Int) throws -> [Customer] {
        var values: [SQLValue] = [.book(book), .integer(id), .int(limit)]
        var filter = "book = ?1 AND id > ?2"
        if let resellerID {
            values.append(.integer(resellerID))
            filter += " AND reseller_id = ?4"
        }
        return try connection.rows(
            dynamic: "SELECT \(Customer.columns) FROM customer WHERE \(filter) ORDER BY id LIMIT ?3", values,
            read: Customer.init)
    }
}

extension TenantTransaction {
    /// The customer whom an order names: made at the first order. E-mail and name fill what is empty; an order is no
    /// change of who somebody is, so what is there stays.
    package func customer(
        externalID: String, email: String?, name: String?, resellerID: Int64, book: Book
    ) throws -> Customer {
        if let known = try customer(externalID: externalID, resellerID: resellerID, book: book) {
            if (email != nil && known.email == nil) || (name != nil && known.name == nil) {
                try connection.run(
                    "UPDATE customer SET email = coalesce(email, ?2), name = coalesce(name, ?3) WHERE id = ?1",
                    .integer(known.id), .optional(email), .optional(name))
            }
            return known
        }
        try connection.run(
            """
            INSERT INTO customer (public_id, book, reseller_id, external_id, email, name, created_at, external_folded)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """,
            .text(newPublicID("cus")), .book(book), .integer(resellerID), .text(externalID), .optional(email),
            .optional(name), .time(now), .text(externalID.folded))
        guard let made = try customer(externalID: externalID, resellerID: resellerID, book: book) else {
            throw Refusal.notFound(.customer)
        }
        return made
    }
}
