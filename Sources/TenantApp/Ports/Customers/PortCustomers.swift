package import CallKit
import SQLite
package import TenantRegistry

/// A customer of the ports dialect: an end client with a quota of ports and a balance that its reseller keeps for it.
package struct PortCustomer: Sendable {
    package let customer: Customer
    package let company: String?
    package let allocatedPortSlots: Int64
    /// Ports that have not ended.
    package let usedPortSlots: Int64
    package let isActive: Bool
    package let discountPercent: Percent
    package let balance: Money
    package var revision: Int64

    package var id: Int64 { customer.id }
    package var publicID: String { customer.publicID }
    package var book: Book { customer.book }

    /// `?1` in every query is the time now: a port that is due has left its slot, whether or not it was cleared yet.
    static let columns = Columns<PortCustomer>(
        Customer.columns.of("c"), "p.customer_id", "p.company", "p.allocated_port_slots",
        """
        p.used_port_slots - (SELECT count(*) FROM port x WHERE x.customer_id = c.id AND x.state = 'active' \
        AND x.expires_at <= ?1) AS used
        """, "p.is_active", "p.discount_percent",
        """
        (SELECT a.balance FROM ledger_account a WHERE a.book = c.book AND a.kind = 'customer:' || c.id \
        AND a.reseller_id = c.reseller_id) AS balance
        """, "p.revision")
    static let tables = "customer c JOIN port_customer p ON p.customer_id = c.id"
    fileprivate static let byPublicID = Statement(
        "SELECT \(columns) FROM \(tables) WHERE c.public_id = ?2 AND c.reseller_id = ?3 AND c.book = ?4")

    init(_ row: inout RowReader) throws {
        customer = try Customer(&row)
        row.skip()
        company = try row.optionalText()
        allocatedPortSlots = try row.int()
        usedPortSlots = try row.int()
        isActive = try row.bool()
        discountPercent = try row.percent()
        // Without an account nothing was ever moved to it.
        balance = try row.optionalMoney() ?? .zero
        revision = try row.int()
    }
}

/// What a reseller may change of a customer; nil stays.
package struct PortCustomerChange: Sendable {
    package var isActive: Bool?
    package var discountPercent: Percent?
    package var allocatedPortSlots: Int64?

    package init() {}
}

extension TenantReader {
    package func portCustomer(_ publicID: String, resellerID: Int64, book: Book) throws -> PortCustomer? {
        try connection.row(
            PortCustomer.byPublicID, .time(now), .text(publicID), .integer(resellerID), .book(book),
            read: PortCustomer.init)
    }

    /// The customer that a call names, or 404: unknown and foreign alike.
    package func knownPortCustomer(_ publicID: String, resellerID: Int64, book: Book) throws -> PortCustomer {
        guard let customer = try portCustomer(publicID, resellerID: resellerID, book: book) else {
            throw Refusal.notFound(.customer)
        }
        return customer
    }

    /// The discount of the customer that a call names, which is all that a price needs of it. One that is unknown, or
    /// another reseller's, has none (X2).
    package func portCustomerDiscount(_ publicID: String, resellerID: Int64, book: Book) throws -> Percent {
        try connection.row(
            """
            SELECT p.customer_id, p.discount_percent FROM customer c JOIN port_customer p ON p.customer_id = c.id
            WHERE c.public_id = ?1 AND c.reseller_id = ?2 AND c.book = ?3
            """,
            .text(publicID), .integer(resellerID), .book(book)
        ) { row in
            row.skip()
            return try row.percent()
        } ?? .zero
    }

    /// By id; `externalID` nil lists all.
    package func portCustomers(
        resellerID: Int64, book: Book, externalID: String?, after id: Int64, limit: Int
    ) throws -> [PortCustomer] {
        var values: [SQLValue] = [.time(now), .integer(resellerID), .book(book), .integer(id), .int(limit)]
        var filter = "c.reseller_id = ?2 AND c.book = ?3 AND c.id > ?4"
        if let externalID {
            values.append(.text(externalID))
            filter += " AND c.external_id = ?6"
        }
        return try connection.rows(
            dynamic: """
                SELECT \(PortCustomer.columns) FROM \(PortCustomer.tables) WHERE \(filter) ORDER BY c.id LIMIT ?5
                """,
            values, read: PortCustomer.init)
    }
}

extension TenantTransaction {
    /// No customer of ports may have `externalID`: look first. E-mail and name fill what orders do not know.
    package func insertPortCustomer(
        email: String, name: String?, company: String?, externalID: String?, allocatedPortSlots: Int64,
        resellerID: Int64, book: Book
    ) throws -> PortCustomer {
        let id: Int64
        let publicID: String
        if let externalID {
            let made = try customer(
                externalID: externalID, email: email, name: name, resellerID: resellerID, book: book)
            id = made.id
            publicID = made.publicID
        } else {
            publicID = newPublicID("cus")
            try connection.run(
                """
                INSERT INTO customer (public_id, book, reseller_id, email, name, created_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                """,
                .text(publicID), .book(book), .integer(resellerID), .text(email), .optional(name), .time(now))
            id = connection.lastInsertedRowID
        }
        try connection.run(
            "INSERT INTO port_customer (customer_id, company, allocated_port_slots, updated_at) VALUES (?1, ?2, ?3, ?4)",
            .integer(id), .optional(company), .integer(allocatedPortSlots), .time(now))
        return try knownPortCustomer(publicID, resellerID: resellerID, book: book)
    }

    package func change(_ customer: PortCustomer, _ change: PortCustomerChange) throws {
        try connection.run(
            """
            UPDATE port_customer SET is_active = coalesce(?2, is_active),
                discount_percent = coalesce(?3, discount_percent),
                allocated_port_slots = coalesce(?4, allocated_port_slots), updated_at = ?5
            WHERE customer_id = ?1
            """,
            .integer(customer.id), .optional(change.isActive.map { $0 ? 1 : 0 }), .optional(change.discountPercent),
            .optional(change.allocatedPortSlots), .time(now))
    }

    package func addUsedPortSlots(_ slots: Int64, customer id: Int64) throws {
        try connection.run(
            "UPDATE port_customer SET used_port_slots = used_port_slots + ?2 WHERE customer_id = ?1", .integer(id),
            .integer(slots))
    }
}
