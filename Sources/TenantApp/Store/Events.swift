package import HTTPCore
import SQLite
package import TenantRegistry

/// What resellers are told of (CONTRACT W10).
package enum EventType: String, Sendable, CaseIterable {
    case orderCreated = "order.created"
    case orderRejected = "order.rejected"
    case serviceActivated = "service.activated"
    case serviceRenewed = "service.renewed"
    case servicePastDue = "service.past_due"
    case serviceSuspended = "service.suspended"
    case serviceCancelled = "service.cancelled"
    case resellerSuspended = "reseller.suspended"
    case balanceLow = "balance.low"
}

/// Where a reseller wants its events.
package struct WebhookEndpoint: Sendable {
    package let id: Int64
    package let publicID: String
    package let url: String
    package let events: [String]
    package let isEnabled: Bool
}

extension TenantReader {
    package func webhookEndpoints(resellerID: Int64, book: Book) throws -> [WebhookEndpoint] {
        try connection.rows(
            """
            SELECT id, public_id, url, events, is_enabled FROM webhook_endpoint
            WHERE reseller_id = ?1 AND book = ?2 AND removed_at IS NULL ORDER BY id
            """,
            .integer(resellerID), .book(book)
        ) { row in
            WebhookEndpoint(
                id: row.int(0), publicID: row.text(1), url: row.text(2),
                events: row.text(3).split(separator: ",").map(String.init), isEnabled: row.bool(4))
        }
    }
}

extension TenantTransaction {
    /// A queued delivery is given up after so long, delivered or not.
    package static let deliveryDays: Int64 = 7

    /// Writes an event, and a delivery for each endpoint that is subscribed now. Both commit with what happened.
    package func emit(
        _ type: EventType, resellerID: Int64, book: Book, _ data: (inout JSONWriter) -> Void
    ) throws {
        var writer = JSONWriter()
        writer.object(data)
        try connection.run(
            "INSERT INTO event (public_id, book, reseller_id, type, at, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            .text(newPublicID("evt")), .book(book), .integer(resellerID), .text(type.rawValue), .time(now),
            .text(String(decoding: writer.bytes, as: UTF8.self)))
        let event = connection.lastInsertedRowID
        for endpoint in try webhookEndpoints(resellerID: resellerID, book: book)
        where endpoint.isEnabled && endpoint.events.contains(type.rawValue) {
            try connection.run(
                """
                INSERT INTO delivery (public_id, event_id, endpoint_id, state, next_at, expires_at, updated_at)
                VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?4)
                """,
                .text(newPublicID("dlv")), .integer(event), .integer(endpoint.id), .time(now),
                .time(now.adding(days: Self.deliveryDays)))
        }
    }

    /// The one endpoint of a reseller in the wholesale dialect (CONTRACT W6).
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

    /// A terminated reseller receives nothing any more; what is queued is dropped (CONTRACT W1).
    package func dropDeliveries(resellerID: Int64) throws {
        try connection.run(
            """
            UPDATE delivery SET state = 'dropped', next_at = NULL, updated_at = ?2
            WHERE state = 'pending' AND endpoint_id IN (SELECT id FROM webhook_endpoint WHERE reseller_id = ?1)
            """,
            .integer(resellerID), .time(now))
    }
}
