import CallKit
import HTTPCore
import SQLite
package import TenantRegistry

/// A reseller's end client.
package struct Customer: Sendable {
    package let id: Int64
    package let publicID: String
    package let book: Book
    package let resellerID: Int64
    package let externalID: String?
    package let email: String?
    package let name: String?
    package let createdAt: Timestamp

    static let columns = Columns<Customer>(
        "id", "public_id", "book", "reseller_id", "external_id", "email", "name", "created_at")
    fileprivate static let byExternalID = Statement(
        "SELECT \(columns) FROM customer WHERE reseller_id = ?1 AND book = ?2 AND external_id = ?3")

    fileprivate static let byID = Statement("SELECT \(columns) FROM customer WHERE id = ?1")
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM customer WHERE public_id = ?1")

    /// One that has just been written.
    fileprivate init(
        id: Int64, publicID: String, book: Book, resellerID: Int64, externalID: String?, email: String?, name: String?,
        createdAt: Timestamp
    ) {
        self.id = id
        self.publicID = publicID
        self.book = book
        self.resellerID = resellerID
        self.externalID = externalID
        self.email = email
        self.name = name
        self.createdAt = createdAt
    }

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        book = try row.value()
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

    package func customer(publicID: String) throws -> Customer? {
        try connection.row(Customer.byPublicID, .text(publicID), read: Customer.init)
    }

    /// The customer that an operator's call names, or 404.
    package func knownCustomer(_ publicID: String) throws -> Customer {
        guard let customer = try customer(publicID: publicID) else { throw Refusal.notFound(.customer) }
        return customer
    }

    /// By id; of one reseller or of all (the operator's list). `text`: how an id, an external id or an address begins,
    /// folded.
    package func customers(
        resellerID: Int64?, book: Book, beginning text: String? = nil, after id: Int64, limit: Int
    ) throws -> [Customer] {
        var values: [SQLValue] = [.book(book), .integer(id), .int(limit)]
        var filter = "book = ?1 AND id > ?2"
        if let resellerID {
            values.append(.integer(resellerID))
            filter += " AND reseller_id = ?\(values.count)"
        }
        if let text {
            let found = EmailAddress.beginnings(text).flatMap { beginning -> [String] in
                values += [.text(beginning), .text(beginning.behindAll)]
                return ["public_id", "external_folded", "email"].map { column in
                    "SELECT id FROM customer WHERE \(column) >= ?\(values.count - 1) AND \(column) < ?\(values.count)"
                }
            }
            filter += " AND id IN (\(found.joined(separator: " UNION ALL ")))"
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
        let (publicID, now) = (newPublicID("cus"), now)
        try connection.run(
            """
            INSERT INTO customer (public_id, book, reseller_id, external_id, email, name, created_at, external_folded)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """
        ) { row in
            row.text(publicID)
            row.book(book)
            row.int(resellerID)
            row.text(externalID)
            row.text(email)
            row.text(name)
            row.time(now)
            row.text(externalID.folded)
        }
        return Customer(
            id: connection.lastInsertedRowID, publicID: publicID, book: book, resellerID: resellerID,
            externalID: externalID, email: email, name: name, createdAt: now)
    }

    /// What is nil stays as it is.
    package func changeCustomer(_ id: Int64, email: String?, name: String?) throws {
        try connection.run(
            "UPDATE customer SET email = coalesce(?2, email), name = coalesce(?3, name) WHERE id = ?1", .integer(id),
            .optional(email), .optional(name))
    }
}
