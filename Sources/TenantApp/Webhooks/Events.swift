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
    /// In the feed, and to the reseller's other endpoints.
    case webhookEndpointDisabled = "webhook.endpoint_disabled"
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

extension TenantTransaction {
    /// Writes an event, and a delivery for each endpoint that is subscribed now. Both commit with what happened.
    package func emit(
        _ type: EventType, resellerID: Int64, book: Book, _ data: (inout JSONWriter) -> Void
    ) throws {
        let event = try insertEvent(type, resellerID: resellerID, book: book, data)
        try queue(type, event: event.id, resellerID: resellerID, book: book)
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
}
