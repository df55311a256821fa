package import CallKit
import SQLite
package import TenantRegistry

/// Something of an order that was paid back (O10). Append-only.
package struct Refund: Sendable {
    package let id: Int64
    package let publicID: String
    package let orderPublicID: String
    /// The unit that it is about; nil where it is about the order.
    package let servicePublicID: String?
    /// The period of that unit: 0 is what the order itself paid.
    package let period: Int64?
    package let amount: Money
    package let reason: String
    package let at: Timestamp
    /// Who gave it back, by e-mail address.
    package let by: String?

    static let columns = Columns<Refund>(
        "f.id", "f.public_id", "o.public_id", "s.public_id", "f.period", "f.amount", "f.reason", "f.at", "a.email")
    static let tables = """
        refund f JOIN orders o ON o.id = f.order_id LEFT JOIN service s ON s.id = f.service_id \
        LEFT JOIN account a ON a.id = f.account_id
        """
    fileprivate static let newest = Statement(
        "SELECT \(columns) FROM \(tables) WHERE f.order_id = ?1 ORDER BY f.id DESC LIMIT ?2")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        orderPublicID = try row.text()
        servicePublicID = try row.optionalText()
        period = try row.optionalInt()
        amount = try row.money()
        reason = try row.text()
        at = try row.time()
        by = try row.optionalText()
    }
}

/// Of what a refund is: an order, one of its services, one of that one's periods.
package struct RefundedPart: Sendable, Hashable {
    package let orderID: Int64
    package let serviceID: Int64?
    package let period: Int64?

    package init(orderID: Int64, serviceID: Int64? = nil, period: Int64? = nil) {
        self.orderID = orderID
        self.serviceID = serviceID
        self.period = period
    }

    /// Itself and what it is a part of: each has its own bound.
    package var wholes: [RefundedPart] {
        var wholes = [RefundedPart(orderID: orderID)]
        if serviceID != nil { wholes.append(RefundedPart(orderID: orderID, serviceID: serviceID)) }
        if period != nil { wholes.append(self) }
        return wholes
    }
}

/// What was taken for a part of an order, and what of it was paid back. In the test book too, where it is what the live
/// book would have moved.
struct CapturedAmounts {
    let connection: Connection
    let minorUnitDigits: Int

    func captured(_ part: RefundedPart) throws -> Money {
        try order(part).adding(later(part))
    }

    /// By what came after the order.
    func later(_ part: RefundedPart) throws -> Money { try renewals(part).adding(hours(part)) }

    func refunded(_ part: RefundedPart) throws -> Money {
        try connection.row(
            """
            SELECT coalesce(sum(amount), 0) FROM refund
            WHERE order_id = ?1 AND (?2 IS NULL OR service_id = ?2) AND (?3 IS NULL OR period = ?3)
            """,
            .integer(part.orderID), .optional(part.serviceID), .optional(part.period)
        ) { try $0.money() } ?? .zero
    }

    /// By the order itself: each unit's share, as far as it was carried out.
    private func order(_ part: RefundedPart) throws -> Money {
        guard part.period ?? 0 == 0 else { return .zero }
        var (sum, place) = (Money.zero, Int64(0))
        try connection.forEach(
            """
            SELECT s.id, o.wholesale_total, o.quantity, coalesce(p.kind = 'capture', o.state = 'completed')
            FROM orders o CROSS JOIN service s ON s.order_id = o.id
                LEFT JOIN unit_decision d ON d.service_id = s.id LEFT JOIN posting p ON p.id = d.posting_id
            WHERE o.id = ?1 AND o.state <> 'pending' ORDER BY s.id
            """,
            .integer(part.orderID)
        ) { row in
            let (service, total, quantity) = (try row.int(), try row.int(), try row.int())
            let isCaptured = try row.bool()
            if isCaptured, part.serviceID ?? service == service, place < quantity {
                let share = Order.share(of: total, unit: place, quantity: quantity, minorUnitDigits: minorUnitDigits)
                sum = try sum.adding(Money(micros: share))
            }
            place += 1
            return true
        }
        return sum
    }

    private func renewals(_ part: RefundedPart) throws -> Money {
        try connection.row(
            """
            SELECT coalesce(sum(n.amount), 0) FROM service s CROSS JOIN renewal n ON n.service_id = s.id
            WHERE s.order_id = ?1 AND (?2 IS NULL OR s.id = ?2) AND (?3 IS NULL OR n.period = ?3)
            """,
            .integer(part.orderID), .optional(part.serviceID), .optional(part.period)
        ) { try $0.money() } ?? .zero
    }

    /// The last charge of a service says what all so far come to.
    private func hours(_ part: RefundedPart) throws -> Money {
        if let service = part.serviceID, let period = part.period {
            return try connection.row(
                "SELECT amount FROM hourly_charge WHERE service_id = ?1 AND n = ?2", .integer(service),
                .integer(period)
            ) { try $0.money() } ?? .zero
        }
        return try connection.row(
            """
            SELECT coalesce(sum((SELECT c.charged FROM hourly_charge c WHERE c.service_id = s.id
                ORDER BY c.n DESC LIMIT 1)), 0)
            FROM service s WHERE s.order_id = ?1 AND (?2 IS NULL OR s.id = ?2)
            """,
            .integer(part.orderID), .optional(part.serviceID)
        ) { try $0.money() } ?? .zero
    }
}

extension TenantReader {
    /// What a part was charged beyond its order: renewals and hours.
    func charged(since part: RefundedPart) throws -> Money {
        try CapturedAmounts(connection: connection, minorUnitDigits: currency.minorUnitDigits).later(part)
    }

    /// What can still be paid back of a part of an order: the least that any whole of it leaves, and nothing while a
    /// unit of the order is open.
    package func refundable(_ part: RefundedPart, of order: Order) throws -> Money {
        guard order.state != .pending else { return .zero }
        let amounts = CapturedAmounts(connection: connection, minorUnitDigits: currency.minorUnitDigits)
        let rests = try part.wholes.map { try amounts.captured($0).subtracting(amounts.refunded($0)) }
        return rests.min() ?? .zero
    }

    /// The newest, at most `refundsShownMax`.
    package func refunds(ofOrder id: Int64) throws -> [Refund] {
        try connection.rows(Refund.newest, .integer(id), .int(Self.refundsShownMax), read: Refund.init)
    }

    package static var refundsShownMax: Int { 100 }
}

extension TenantTransaction {
    package func insertRefund(
        of part: RefundedPart, in order: Order, amount: Money, reason: String, posting: Int64, keyID: Int64,
        accountID: Int64, _ detail: inout AuditDetail
    ) throws -> Refund {
        try connection.run(
            """
            INSERT INTO refund (public_id, book, order_id, service_id, period, amount, reason, posting_id, at, key_id,
                account_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """,
            .text(newPublicID("rfd")), .book(order.book), .integer(order.id), .optional(part.serviceID),
            .optional(part.period), .money(amount), .text(reason), .integer(posting), .time(now), .integer(keyID),
            .integer(accountID))
        let id = connection.lastInsertedRowID
        try detail.vouch(for: id...id, of: .refund, connection)
        guard let refund = try refunds(ofOrder: order.id).first else { throw Refusal.defect }
        return refund
    }
}
