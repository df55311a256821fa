import CallKit
import SQLite
package import TenantRegistry

package enum ServiceState: String, Sendable, CaseIterable, AnswerValue {
    case pending
    case active
    case pastDue = "past_due"
    case suspended
    case cancelled
}

/// One unit that a reseller holds: what its end client uses.
package struct Service: Sendable {
    package let id: Int64
    package let publicID: String
    package let orderPublicID: String
    package let resellerID: Int64
    package let resellerPublicID: String
    package let productID: Int64
    package let sku: String
    package let book: Book
    package let term: Term
    package let state: ServiceState
    package let customerExternalID: String?
    package let createdAt: Timestamp
    package let activatedAt: Timestamp?
    package let renewsAt: Timestamp?
    package let endsAt: Timestamp?
    package var revision: Int64

    static let columns = Columns<Service>(
        "s.id", "s.public_id", "o.public_id", "s.reseller_id", "r.public_id", "s.product_id", "p.sku", "s.book",
        "s.term", "s.state", "c.external_id", "s.created_at", "s.activated_at", "s.renews_at", "s.ends_at",
        "s.revision")
    static let tables = """
        service s JOIN orders o ON o.id = s.order_id JOIN reseller r ON r.id = s.reseller_id \
        JOIN product p ON p.id = s.product_id JOIN customer c ON c.id = s.customer_id
        """
    // CROSS JOIN keeps the order first, so that nothing needs sorting.
    static let tablesByOrder = """
        orders o CROSS JOIN service s ON s.order_id = o.id CROSS JOIN reseller r ON r.id = s.reseller_id \
        CROSS JOIN product p ON p.id = s.product_id CROSS JOIN customer c ON c.id = s.customer_id
        """
    fileprivate static let byPublicID = Statement(
        """
        SELECT \(columns) FROM \(tables)
        WHERE s.public_id = ?1 AND (?2 IS NULL OR s.reseller_id = ?2) AND (?3 IS NULL OR s.book = ?3)
        """)
    fileprivate static let byOrder = Statement("SELECT \(columns) FROM \(tables) WHERE s.order_id = ?1 ORDER BY s.id")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        orderPublicID = try row.text()
        resellerID = try row.int()
        resellerPublicID = try row.text()
        productID = try row.int()
        sku = try row.text()
        book = try row.value()
        term = try row.value()
        state = try row.value()
        customerExternalID = try row.optionalText()
        createdAt = try row.time()
        activatedAt = try row.optionalTime()
        renewsAt = try row.optionalTime()
        endsAt = try row.optionalTime()
        revision = try row.int()
    }

    /// One that has just been written.
    fileprivate init(
        of order: Order, id: Int64, publicID: String, state: ServiceState, activatedAt: Timestamp?,
        renewsAt: Timestamp?
    ) {
        self.id = id
        self.publicID = publicID
        orderPublicID = order.publicID
        resellerID = order.resellerID
        resellerPublicID = order.resellerPublicID
        productID = order.productID
        sku = order.sku
        book = order.book
        term = order.term
        self.state = state
        customerExternalID = order.customerExternalID
        createdAt = order.createdAt
        self.activatedAt = activatedAt
        self.renewsAt = renewsAt
        endsAt = nil
        revision = activatedAt == nil ? 0 : 1
    }
}

extension TenantReader {
    package func service(publicID: String, resellerID: Int64?, book: Book?) throws -> Service? {
        try connection.row(
            Service.byPublicID, .text(publicID), .optional(resellerID), .optional(book?.rawValue), read: Service.init)
    }

    /// Newest first, before service `id`; nil for `state` lists all but cancelled ones (W6).
    package func services(
        resellerID: Int64?, book: Book, state: ServiceState?, before id: Int64, limit: Int
    ) throws -> [Service] {
        var values: [SQLValue] = [.book(book), .integer(id), .int(limit)]
        var tables = Service.tables
        var filter = "s.book = ?1 AND s.id < ?2"
        if let resellerID {
            // From its own orders, whose order is that of their services.
            values.append(.integer(resellerID))
            tables = Service.tablesByOrder
            filter += """
                 AND o.reseller_id = ?4 AND o.book = ?1 AND o.id <= coalesce(
                    (SELECT b.order_id FROM service b WHERE b.id < ?2 ORDER BY b.id DESC LIMIT 1), 0)
                """
        }
        filter += state.map { " AND s.state = '\($0.rawValue)'" } ?? " AND s.state <> 'cancelled'"
        let order = resellerID == nil ? "s.id DESC" : "o.id DESC, s.id DESC"
        return try connection.rows(
            dynamic: "SELECT \(Service.columns) FROM \(tables) WHERE \(filter) ORDER BY \(order) LIMIT ?3", values,
            read: Service.init)
    }

    /// The units of hourly terms that accrue, or will once they are there: price and number, a row for each price (W3).
    package func hourlyUnits(resellerID: Int64, book: Book) throws -> [(price: UnitPrice, count: Int64)] {
        try connection.rows(
            """
            SELECT term_price, discount_rate, count(*) FROM service
            WHERE reseller_id = ?1 AND book = ?2 AND term = 'hourly' AND state IN ('pending', 'active', 'past_due')
            GROUP BY term_price, discount_rate
            """, .integer(resellerID), .book(book)
        ) { row in (Pricing.unit(termPrice: try row.money(), rate: try row.percent()), try row.int()) }
    }

    package func services(ofOrder id: Int64) throws -> [Service] {
        try connection.rows(Service.byOrder, .integer(id), read: Service.init)
    }
}

extension TenantTransaction {
    /// One unit of an order: pending, of which nobody is told, or active from the order on, with revision 1: its event
    /// is written with it (`emitNew`).
    package func insertService(of new: NewOrder, _ order: Order) throws -> Service {
        let publicID = newPublicID("svc")
        let isActive = new.state == .completed
        let state: ServiceState = isActive ? .active : .pending
        let now = order.createdAt
        let day = Int64(now.date.day)
        let renewsAt = isActive ? new.term.advance(from: now, anchorDay: Int(day)) : nil
        try connection.run(
            """
            INSERT INTO service (public_id, book, order_id, reseller_id, customer_id, product_id, term, term_price,
                discount_rate, state, anchor_day, created_at, activated_at, renews_at, revision)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
            """,
            .text(publicID), .book(new.book), .integer(order.id), .integer(new.reseller.id),
            .integer(new.customer.id), .integer(new.productID), .text(new.term.rawValue),
            .money(new.price.termPrice), .integer(new.price.rate.partsPerMillion), .text(state.rawValue),
            .integer(day), .time(now), .optional(isActive ? now : nil), .optional(renewsAt), .int(isActive ? 1 : 0))
        return Service(
            of: order, id: connection.lastInsertedRowID, publicID: publicID, state: state,
            activatedAt: isActive ? now : nil, renewsAt: renewsAt)
    }

    /// Pending units of an order start now, or one of them: term, anchor day and renewal count from here.
    package func activateServices(ofOrder order: Order, only unit: Service? = nil) throws {
        try connection.run(
            """
            UPDATE service SET state = 'active', anchor_day = ?2, activated_at = ?3, renews_at = ?4
            WHERE order_id = ?1 AND state = 'pending' AND (?5 IS NULL OR id = ?5)
            """,
            .integer(order.id), .int(now.date.day), .time(now),
            .time(order.term.advance(from: now, anchorDay: now.date.day)), .optional(unit?.id))
    }

    /// Every unit of an order ends, or one of them; for what was rejected.
    package func cancelServices(ofOrder order: Order, only unit: Service? = nil) throws {
        try connection.run(
            """
            UPDATE service SET state = 'cancelled', cancelled_at = ?2, ends_at = ?2, renews_at = NULL
            WHERE order_id = ?1 AND state <> 'cancelled' AND (?3 IS NULL OR id = ?3)
            """,
            .integer(order.id), .time(now), .optional(unit?.id))
    }

    /// What a terminated reseller still holds ends with its paid term and never renews (W1): the renewal that
    /// was due becomes the end. Units of pending orders are decided with their orders.
    package func endServicesWithTerm(resellerID: Int64) throws {
        try connection.run(
            """
            UPDATE service SET ends_at = coalesce(renews_at, ends_at, ?2), renews_at = NULL
            WHERE order_id IN (SELECT id FROM orders WHERE reseller_id = ?1)
                AND state IN ('active', 'past_due', 'suspended')
            """,
            .integer(resellerID), .time(now))
    }

    /// A service that is cancelled ends now, whenever its term would have ended.
    package func setState(of service: Service, to state: ServiceState) throws {
        try connection.run(
            """
            UPDATE service SET state = ?2, cancelled_at = iif(?2 = 'cancelled', ?3, cancelled_at),
                ends_at = iif(?2 = 'cancelled', ?3, ends_at),
                renews_at = iif(?2 = 'cancelled', NULL, renews_at)
            WHERE id = ?1
            """,
            .integer(service.id), .text(state.rawValue), .time(now))
    }
}
