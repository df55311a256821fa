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

/// One event on its way to one endpoint (O7).
package struct Delivery: Sendable {
    package let id: Int64
    package let publicID: String
    package let eventPublicID: String
    package let type: EventType
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

    static let columns = Columns<Delivery>(
        "d.id", "d.public_id", "e.public_id", "e.type", "e.book", "e.reseller_id", "r.public_id", "w.public_id",
        "w.url", "w.is_enabled AND w.removed_at IS NULL", "d.state", "d.attempts", "e.at", "d.next_at",
        "d.expires_at", "d.last_status", "d.last_body", "d.updated_at")
    // CROSS JOIN keeps the delivery first, so that the order of ids needs no sorting.
    static let tables = """
        delivery d CROSS JOIN event e ON e.id = d.event_id CROSS JOIN reseller r ON r.id = e.reseller_id \
        CROSS JOIN webhook_endpoint w ON w.id = d.endpoint_id
        """

    fileprivate static let tablesByEvent = """
        event e CROSS JOIN delivery d ON d.event_id = e.id CROSS JOIN reseller r ON r.id = e.reseller_id \
        CROSS JOIN webhook_endpoint w ON w.id = d.endpoint_id
        """
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM \(tables) WHERE d.public_id = ?1")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        eventPublicID = try row.text()
        type = try row.value()
        book = try row.value()
        resellerID = try row.int()
        resellerPublicID = try row.text()
        endpointPublicID = try row.text()
        url = try row.text()
        isEndpointOpen = try row.bool()
        state = try row.value()
        attempts = try row.int()
        createdAt = try row.time()
        nextAt = try row.optionalTime()
        expiresAt = try row.time()
        lastStatus = try row.optionalInt()
        lastBody = try row.optionalText()
        updatedAt = try row.time()
    }
}

extension TenantReader {
    package func delivery(publicID: String) throws -> Delivery? {
        try connection.row(
            Delivery.byPublicID, .text(publicID), read: Delivery.init)
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
