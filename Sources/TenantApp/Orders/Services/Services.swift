package import CallKit
import SQLite
package import TenantRegistry

package enum ServiceState: String, Sendable, CaseIterable, AnswerValue {
    case pending
    case active
    case pastDue = "past_due"
    case suspended
    case cancelled
}

/// Why a service is suspended: only what was not paid resumes when it is.
package enum SuspensionCause: String, Sendable, CaseIterable, AnswerValue {
    case unpaid
    case `operator`
}

/// Who had a service end with its term; a reseller takes back its own word alone.
package enum EndCause: String, Sendable, CaseIterable {
    case reseller
    case `operator`
}

/// One unit that a reseller holds: what its end client uses.
///
/// Invariant: its periods begin where `Term.start` says from `anchorAt`; `period` of them are paid beyond the first.
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
    package var state: ServiceState
    package let customerExternalID: String?
    package let createdAt: Timestamp
    package let activatedAt: Timestamp?
    /// When its next period is to be paid; nil where it ends, and while its hours do not count.
    package var renewsAt: Timestamp?
    package var endsAt: Timestamp?
    /// When its first period began; nil while it is pending.
    package let anchorAt: Timestamp?
    /// The last period that was paid; of an hourly term, how many charges there were.
    package var period: Int64
    package var termPrice: Money
    package let rate: Percent
    /// What periods after that one cost, where it was repriced.
    package var nextTermPrice: Money?
    /// When a charge was first tried and could not be paid.
    package var pastDueSince: Timestamp?
    package var suspendedBy: SuspensionCause?
    package var endedBy: EndCause?
    /// When something happens to it by itself.
    package var nextAt: Timestamp?
    /// No notice is owed for the next period.
    package var isAnnounced: Bool
    /// Of an hourly term: the end of the last hour that was counted, and how many were.
    package var accruesFrom: Timestamp?
    package var accruedHours: Int64
    package var revision: Int64

    static let columns = Columns<Service>(
        "s.id", "s.public_id", "o.public_id", "s.reseller_id", "r.public_id", "s.product_id", "p.sku", "s.book",
        "s.term", "s.state", "c.external_id", "s.created_at", "s.activated_at", "s.renews_at", "s.ends_at",
        "s.anchor_at", "s.period", "s.term_price", "s.discount_rate", "s.next_term_price", "s.past_due_since",
        "s.suspended_by", "s.ended_by", "s.next_at", "s.is_announced", "s.accrues_from", "s.accrued_hours",
        "s.revision")
    static let tables = """
        service s JOIN orders o ON o.id = s.order_id JOIN reseller r ON r.id = s.reseller_id \
        JOIN product p ON p.id = s.product_id JOIN customer c ON c.id = s.customer_id
        """
    fileprivate static let byPublicID = Statement(
        """
        SELECT \(columns) FROM \(tables)
        WHERE s.public_id = ?1 AND (?2 IS NULL OR s.reseller_id = ?2) AND (?3 IS NULL OR s.book = ?3)
        """)
    fileprivate static let byID = Statement("SELECT \(columns) FROM \(tables) WHERE s.id = ?1")
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
        anchorAt = try row.optionalTime()
        period = try row.int()
        termPrice = try row.money()
        rate = try row.percent()
        nextTermPrice = try row.optionalMoney()
        pastDueSince = try row.optionalTime()
        suspendedBy = try row.optionalValue()
        endedBy = try row.optionalValue()
        nextAt = try row.optionalTime()
        isAnnounced = try row.bool()
        accruesFrom = try row.optionalTime()
        accruedHours = try row.int()
        revision = try row.int()
    }

    /// One that has just been written.
    fileprivate init(
        of order: Order, price: OrderPrice, id: Int64, publicID: String, state: ServiceState, first: FirstPeriod?
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
        activatedAt = first?.anchor
        renewsAt = first?.renewsAt
        endsAt = nil
        anchorAt = first?.anchor
        period = 0
        termPrice = price.termPrice
        rate = price.rate
        nextTermPrice = nil
        pastDueSince = nil
        suspendedBy = nil
        endedBy = nil
        nextAt = first?.nextAt
        isAnnounced = first?.isAnnounced ?? false
        accruesFrom = first?.accruesFrom
        accruedHours = 0
        revision = first == nil ? 0 : 1
    }
}

extension TenantReader {
    package func service(publicID: String, resellerID: Int64?, book: Book?) throws -> Service? {
        try connection.row(
            Service.byPublicID, .text(publicID), .optional(resellerID), .optional(book?.rawValue), read: Service.init)
    }

    /// The units of hourly terms that a reseller holds: price and number (W3). They accrue, or will: a suspended one
    /// once it is resumed.
    package func hourlyUnits(
        resellerID: Int64, book: Book, withSuspended: Bool = true
    ) throws -> [(price: UnitPrice, count: Int64)] {
        try connection.rows(
            """
            SELECT term_price, discount_rate, count(*) FROM service
            WHERE reseller_id = ?1 AND book = ?2 AND term = 'hourly' AND state IN ('pending', 'active', 'past_due')
            GROUP BY term_price, discount_rate
            UNION ALL
            SELECT term_price, discount_rate, count(*) FROM service
            WHERE reseller_id = ?1 AND book = ?2 AND term = 'hourly' AND state = 'suspended' AND ?3
            GROUP BY term_price, discount_rate
            """, .integer(resellerID), .book(book), .bool(withSuspended)
        ) { row in (Pricing.unit(termPrice: try row.money(), rate: try row.percent()), try row.int()) }
    }

    package func service(id: Int64) throws -> Service? {
        try connection.row(Service.byID, .integer(id), read: Service.init)
    }

    package func services(ofOrder id: Int64) throws -> [Service] {
        try connection.rows(Service.byOrder, .integer(id), read: Service.init)
    }
}

extension TenantTransaction {
    /// One unit of an order: pending, of which nobody is told, or active from the order on, with revision 1: its event
    /// is written with it (`emitNew`).
    package func insertService(of new: NewOrder, _ order: Order, publicID: String) throws -> Service {
        let isActive = new.state == .completed
        let state: ServiceState = isActive ? .active : .pending
        let now = order.createdAt
        let first = isActive ? FirstPeriod(of: new.term, from: now) : nil
        try connection.run(
            """
            INSERT INTO service (public_id, book, order_id, reseller_id, customer_id, product_id, term, term_price,
                discount_rate, state, anchor_day, created_at, activated_at, renews_at, revision, anchor_at, next_at,
                is_announced, accrues_from)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?13, ?16, ?17, ?18)
            """
        ) { row in
            row.text(publicID)
            row.book(new.book)
            row.int(order.id)
            row.int(new.reseller.id)
            row.int(new.customer.id)
            row.int(new.productID)
            row.text(new.term.rawValue)
            row.money(new.price.termPrice)
            row.int(new.price.rate.partsPerMillion)
            row.text(state.rawValue)
            row.int(now.date.day)
            row.time(now)
            row.time(first?.anchor)
            row.time(first?.renewsAt)
            row.bool(isActive)
            row.time(first?.nextAt)
            row.bool(first?.isAnnounced ?? false)
            row.time(first?.accruesFrom)
        }
        if let first { noteBegun(first) }
        return Service(
            of: order, price: new.price, id: connection.lastInsertedRowID, publicID: publicID, state: state,
            first: first)
    }

    /// Pending units of an order start now, or one of them: term, anchor and renewal count from here.
    package func activateServices(ofOrder order: Order, only unit: Service? = nil) throws {
        let first = FirstPeriod(of: order.term, from: now)
        try connection.run(
            """
            UPDATE service SET state = 'active', anchor_day = ?2, activated_at = ?3, renews_at = ?4, anchor_at = ?3,
                next_at = ?5, is_announced = ?6, accrues_from = ?7
            WHERE order_id = ?1 AND state = 'pending' AND (?8 IS NULL OR id = ?8)
            """,
            .integer(order.id), .int(now.date.day), .time(now), .time(first.renewsAt), .time(first.nextAt),
            .bool(first.isAnnounced), .optional(first.accruesFrom), .optional(unit?.id))
        noteBegun(first)
    }

    private func noteBegun(_ first: FirstPeriod) {
        noteDue(first.kind, at: first.nextAt)
        if first.kind == .notice { noteDue(.renewal, at: first.renewsAt) }
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
    /// was due becomes the end, and an hourly unit ends with the hour that has begun. Units of pending orders are
    /// decided with their orders. `asksClock`: 503 where hours would end by a time of day that is not believed (G7).
    package func endServicesWithTerm(resellerID: Int64, asksClock: Bool = false) throws {
        if asksClock, try !hourlyUnits(resellerID: resellerID, book: .live, withSuspended: false).isEmpty {
            try judgeClock()
        }
        try connection.run(
            """
            UPDATE service SET ends_at = CASE
                    WHEN ends_at IS NOT NULL THEN ends_at
                    WHEN term <> 'hourly' THEN coalesce(renews_at, ?2)
                    WHEN state = 'suspended' THEN ?2
                    ELSE accrues_from + max(0, (?2 - accrues_from + 3599999) / 3600000) * 3600000 END,
                renews_at = NULL, next_at = NULL, ended_by = 'operator'
            WHERE order_id IN (SELECT id FROM orders WHERE reseller_id = ?1)
                AND state IN ('active', 'past_due', 'suspended')
            """,
            .integer(resellerID), .time(now))
        noteDue(.end, at: now)
    }

    /// Writes what changes in a service's life, and says when it is next looked at.
    package func save(_ service: Service) throws {
        try connection.run(
            """
            UPDATE service SET state = ?2, period = ?3, term_price = ?4, next_term_price = ?5, renews_at = ?6,
                ends_at = ?7, ended_by = ?8, past_due_since = ?9, suspended_by = ?10, next_at = ?11, is_announced = ?12,
                accrues_from = ?13, accrued_hours = ?14,
                cancelled_at = iif(?2 = 'cancelled', coalesce(cancelled_at, ?15), cancelled_at)
            WHERE id = ?1
            """,
            .integer(service.id), .text(service.state.rawValue), .integer(service.period), .money(service.termPrice),
            .optional(service.nextTermPrice), .optional(service.renewsAt), .optional(service.endsAt),
            .optional(service.endedBy?.rawValue), .optional(service.pastDueSince),
            .optional(service.suspendedBy?.rawValue), .optional(service.nextAt), .bool(service.isAnnounced),
            .optional(service.accruesFrom), .integer(service.accruedHours), .time(now))
        if let next = service.nextAt { noteDue(service.dueKind, at: next) }
        if let due = service.renewsAt, service.dueKind == .notice { noteDue(.renewal, at: due) }
        if let end = service.endsAt, service.state != .cancelled { noteDue(.end, at: end) }
    }

    /// Whether the reseller has it end too, of one that the operator has end.
    func endsForReseller(_ service: Service) throws -> Bool {
        try connection.row("SELECT ends_for_reseller FROM service WHERE id = ?1", .integer(service.id)) {
            try $0.bool()
        } ?? false
    }

    func note(_ service: Service, endsForReseller: Bool) throws {
        try connection.run(
            "UPDATE service SET ends_for_reseller = ?2 WHERE id = ?1", .integer(service.id), .bool(endsForReseller))
    }
}
