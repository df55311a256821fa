import CallKit
package import HTTPCore
import SQLite
package import TenantRegistry

/// What resellers are told of (W10, X6).
package enum EventType: String, Sendable, CaseIterable, AnswerValue {
    case orderCreated = "order.created"
    case orderRejected = "order.rejected"
    case serviceActivated = "service.activated"
    case serviceRenewed = "service.renewed"
    case servicePastDue = "service.past_due"
    case serviceSuspended = "service.suspended"
    case serviceCancelled = "service.cancelled"
    case resellerSuspended = "reseller.suspended"
    case balanceLow = "balance.low"
    case portCreated = "port.created"
    case portExpired = "port.expired"
    case portRotated = "port.rotated"
    case customerQuotaExceeded = "customer.quota_exceeded"
    case codeRedeemed = "code.redeemed"
    /// Sent on demand to one endpoint, whatever it is subscribed to.
    case webhookTest = "webhook.test"

    /// The events of wholesale orders (W10).
    package static let wholesale: [EventType] = [
        .orderCreated, .orderRejected, .serviceActivated, .serviceRenewed, .servicePastDue, .serviceSuspended,
        .serviceCancelled, .resellerSuspended, .balanceLow,
    ]
    /// The events of proxy ports (X6).
    package static let ports: [EventType] = [
        .portCreated, .portExpired, .portRotated, .customerQuotaExceeded, .balanceLow,
    ]
    /// The events of activation codes (A8).
    package static let codes: [EventType] = [.codeRedeemed, .balanceLow]
}

/// Where a reseller wants its events.
package struct WebhookEndpoint: Sendable {
    package let id: Int64
    package let publicID: String
    package let url: String
    package let events: [String]
    package let isEnabled: Bool

    static let columns = Columns<WebhookEndpoint>("id", "public_id", "url", "events", "is_enabled")
    fileprivate static let ofReseller = Statement(
        """
        SELECT \(columns) FROM webhook_endpoint
        WHERE reseller_id = ?1 AND book = ?2 AND removed_at IS NULL ORDER BY id
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        url = try row.text()
        events = try row.text().split(separator: ",").map(String.init)
        isEnabled = try row.bool()
    }
}

extension TenantReader {
    package func webhookEndpoints(resellerID: Int64, book: Book) throws -> [WebhookEndpoint] {
        try connection.rows(
            WebhookEndpoint.ofReseller, .integer(resellerID), .book(book), read: WebhookEndpoint.init)
    }
}

extension TenantTransaction {
    /// A queued delivery is given up after so long, delivered or not.
    package static let deliveryDays: Int64 = 7

    /// Writes an event, and a delivery for each endpoint that is subscribed now. Both commit with what happened.
    package func emit(
        _ type: EventType, resellerID: Int64, book: Book, _ data: (inout JSONWriter) -> Void
    ) throws {
        let event = try insertEvent(type, resellerID: resellerID, book: book, data)
        for endpoint in try webhookEndpoints(resellerID: resellerID, book: book)
        where endpoint.isEnabled && endpoint.events.contains(type.rawValue) {
            try insertDelivery(ofEvent: event.id, to: endpoint.id)
        }
    }

    /// An event for the pull feed alone; whoever is to receive it is told apart.
    package func insertEvent(
        _ type: EventType, resellerID: Int64, book: Book, _ data: (inout JSONWriter) -> Void
    ) throws -> (id: Int64, publicID: String) {
        var writer = JSONWriter()
        writer.object(data)
        let publicID = newPublicID("evt")
        try connection.run(
            "INSERT INTO event (public_id, book, reseller_id, type, at, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            .text(publicID), .book(book), .integer(resellerID), .text(type.rawValue), .time(now),
            .text(String(decoding: writer.bytes, as: UTF8.self)))
        return (connection.lastInsertedRowID, publicID)
    }

    /// Queues an event for an endpoint, due now. Returns the delivery's public id.
    @discardableResult
    package func insertDelivery(ofEvent event: Int64, to endpoint: Int64) throws -> String {
        let publicID = newPublicID("dlv")
        try connection.run(
            """
            INSERT INTO delivery (public_id, event_id, endpoint_id, state, next_at, expires_at, updated_at)
            VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?4)
            """,
            .text(publicID), .integer(event), .integer(endpoint), .time(now), .time(now.adding(days: Self.deliveryDays))
        )
        return publicID
    }

    /// The one endpoint of a reseller in the wholesale dialect (W6).
    package func setWebhookEndpoint(url: String, events: [String], resellerID: Int64, book: Book) throws {
        let joined = events.joined(separator: ",")
        if let known = try webhookEndpoints(resellerID: resellerID, book: book).first {
            try connection.run(
                "UPDATE webhook_endpoint SET url = ?2, events = ?3, is_enabled = 1 WHERE id = ?1", .integer(known.id),
                .text(url), .text(joined))
        } else {
            try connection.run(
                """
                INSERT INTO webhook_endpoint (public_id, reseller_id, book, url, events, created_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                """,
                .text(newPublicID("whe")), .integer(resellerID), .book(book), .text(url), .text(joined), .time(now))
        }
    }

    /// A terminated reseller receives nothing any more: later events queue nothing for it (W1).
    package func disableWebhooks(resellerID: Int64) throws {
        try connection.run("UPDATE webhook_endpoint SET is_enabled = 0 WHERE reseller_id = ?1", .integer(resellerID))
    }

    /// A terminated reseller receives nothing any more; what is queued is dropped (W1).
    package func dropDeliveries(resellerID: Int64) throws {
        try connection.run(
            """
            UPDATE delivery SET state = 'dropped', next_at = NULL, updated_at = ?2
            WHERE state = 'pending' AND endpoint_id IN (SELECT id FROM webhook_endpoint WHERE reseller_id = ?1)
            """,
            .integer(resellerID), .time(now))
    }
}
