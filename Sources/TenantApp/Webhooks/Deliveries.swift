import CallKit
import SQLite
package import TenantRegistry

package enum DeliveryState: String, Sendable, CaseIterable, AnswerValue {
    case pending
    case delivered
    /// Every attempt failed; an operator may retry it.
    case dead
    /// Its reseller was terminated.
    case dropped
}

/// One event on its way to one endpoint (CONTRACT O7).
package struct Delivery: Sendable {
    package let id: Int64
    package let publicID: String
    package let eventPublicID: String
    package let type: String
    package let book: Book
    package let resellerID: Int64
    package let resellerPublicID: String
    package let endpointPublicID: String
    package let url: String
    /// Neither disabled nor removed.
    package let isEndpointOpen: Bool
    package let state: DeliveryState
    package let attempts: Int64
    package let createdAt: Timestamp
    package let nextAt: Timestamp?
    package let expiresAt: Timestamp
    package let lastStatus: Int64?
    package let lastBody: String?
    package let updatedAt: Timestamp

    fileprivate static let columns = """
        d.id, d.public_id, e.public_id, e.type, e.book, e.reseller_id, r.public_id, w.public_id, w.url, \
        w.is_enabled AND w.removed_at IS NULL, d.state, d.attempts, e.at, d.next_at, d.expires_at, d.last_status, \
        d.last_body, d.updated_at
        """
    // CROSS JOIN keeps the delivery first, so that the order of ids needs no sorting.
    fileprivate static let tables = """
        delivery d CROSS JOIN event e ON e.id = d.event_id CROSS JOIN reseller r ON r.id = e.reseller_id \
        CROSS JOIN webhook_endpoint w ON w.id = d.endpoint_id
        """

    fileprivate static let tablesByEvent = """
        event e CROSS JOIN delivery d ON d.event_id = e.id CROSS JOIN reseller r ON r.id = e.reseller_id \
        CROSS JOIN webhook_endpoint w ON w.id = d.endpoint_id
        """

    fileprivate init(_ row: Row) {
        id = row.int(0)
        publicID = row.text(1)
        eventPublicID = row.text(2)
        type = row.text(3)
        book = Book(rawValue: row.int(4)) ?? .live
        resellerID = row.int(5)
        resellerPublicID = row.text(6)
        endpointPublicID = row.text(7)
        url = row.text(8)
        isEndpointOpen = row.bool(9)
        state = DeliveryState(rawValue: row.text(10)) ?? .dropped
        attempts = row.int(11)
        createdAt = row.time(12)
        nextAt = row.optionalTime(13)
        expiresAt = row.time(14)
        lastStatus = row.optionalInt(15)
        lastBody = row.optionalText(16)
        updatedAt = row.time(17)
    }
}

extension TenantReader {
    package func delivery(publicID: String) throws -> Delivery? {
        try connection.row(
            dynamic: "SELECT \(Delivery.columns) FROM \(Delivery.tables) WHERE d.public_id = ?1", [.text(publicID)],
            read: Delivery.init)
    }

    /// Newest first, before delivery `id`.
    package func deliveries(
        resellerID: Int64?, book: Book, state: DeliveryState?, before id: Int64, limit: Int
    ) throws -> [Delivery] {
        var values: [SQLValue] = [.book(book), .integer(id), .int(limit)]
        var tables = Delivery.tables
        var filter = "d.id < ?2 AND e.book = ?1"
        if let resellerID {
            // From its own events, whose order is that of their deliveries.
            values.append(.integer(resellerID))
            tables = Delivery.tablesByEvent
            filter += """
                 AND e.reseller_id = ?4 AND e.id <= coalesce(
                    (SELECT b.event_id FROM delivery b WHERE b.id < ?2 ORDER BY b.id DESC LIMIT 1), 0)
                """
        }
        if let state {
            // What is not delivered is rare and has an index; a reseller's own events are the shorter way.
            if resellerID != nil {
                filter += " AND +d.state = '\(state.rawValue)'"
            } else {
                filter += " AND d.state = '\(state.rawValue)'"
                if state != .delivered { filter += " AND d.state <> 'delivered'" }
            }
        }
        let order = resellerID == nil ? "d.id DESC" : "e.id DESC, d.id DESC"
        return try connection.rows(
            dynamic: "SELECT \(Delivery.columns) FROM \(tables) WHERE \(filter) ORDER BY \(order) LIMIT ?3", values,
            read: Delivery.init)
    }
}

extension TenantTransaction {
    /// Pending and due now, with all its attempts and time before it.
    package func requeue(_ delivery: Delivery) throws {
        try connection.run(
            """
            UPDATE delivery SET state = 'pending', attempts = 0, next_at = ?2, expires_at = ?3, updated_at = ?2
            WHERE id = ?1
            """,
            .integer(delivery.id), .time(now), .time(now.adding(days: Self.deliveryDays)))
    }
}
