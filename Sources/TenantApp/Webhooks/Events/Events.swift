package import CallKit
package import HTTPCore
import SQLite
package import TenantRegistry

/// What resellers are told of (W10, X6, A8).
package enum EventType: String, Sendable, CaseIterable, AnswerValue {
    case orderCreated = "order.created"
    case orderCompleted = "order.completed"
    case orderRejected = "order.rejected"
    case orderRefunded = "order.refunded"
    case serviceActivated = "service.activated"
    case serviceRenewing = "service.renewing"
    case serviceRenewed = "service.renewed"
    case servicePastDue = "service.past_due"
    case serviceSuspended = "service.suspended"
    case serviceResumed = "service.resumed"
    case serviceCancelled = "service.cancelled"
    case serviceRepriced = "service.repriced"
    /// What a GET shows of it has changed without any of the others: its end was set, say, or taken back.
    case serviceUpdated = "service.updated"
    case resellerSuspended = "reseller.suspended"
    case balanceLow = "balance.low"
    case portCreated = "port.created"
    case portExpired = "port.expired"
    case portRotated = "port.rotated"
    case portRenewed = "port.renewed"
    case customerQuotaExceeded = "customer.quota_exceeded"
    case codeRedeemed = "code.redeemed"
    /// To its siblings and the pull feed (H3).
    case webhookEndpointDisabled = "webhook.endpoint_disabled"
    /// Sent on demand to one endpoint, whatever it is subscribed to.
    case webhookTest = "webhook.test"

    /// The events of wholesale orders (W10).
    package static let wholesale: [EventType] = [
        .orderCreated, .orderCompleted, .orderRejected, .orderRefunded, .serviceActivated, .serviceRenewing,
        .serviceRenewed, .servicePastDue, .serviceSuspended, .serviceResumed, .serviceCancelled, .serviceRepriced,
        .serviceUpdated, .resellerSuspended, .balanceLow, .webhookEndpointDisabled,
    ]
    /// The events of proxy ports (X6).
    package static let ports: [EventType] = [
        .portCreated, .portExpired, .portRotated, .portRenewed, .customerQuotaExceeded, .balanceLow,
        .webhookEndpointDisabled,
    ]
    /// The events of activation codes (A8).
    package static let codes: [EventType] = [.codeRedeemed, .balanceLow, .webhookEndpointDisabled]
}

/// Something that events are of: its row counts them, and the newest of them shows it as its GET does (H1, 0031).
package protocol EventObject: Sendable {
    /// Nil where there is only ever one event of it, and the row says by itself whether that was.
    static var revised: RevisedRows? { get }
    /// As a GET shows it, but for what is sealed.
    static var told: Shape<Self> { get }
    /// Of its row.
    var id: Int64 { get }
    var publicID: String { get }
    var resellerID: Int64 { get }
    var book: Book { get }
    /// How many events have been of it, on top of where the last restore raised it to.
    var revision: Int64 { get set }

    /// Its row is about to change by itself: what memory has of it goes.
    func forget(in tenant: TenantTransaction)
}

extension EventObject {
    package func forget(in tenant: TenantTransaction) {}
}

/// The rows of a table that has a revision.
package struct RevisedRows: Sendable {
    fileprivate let raise: Statement

    package init(_ table: String, key: String = "id") {
        raise = Statement("UPDATE \(table) SET revision = revision + 1 WHERE \(key) = ?1 RETURNING revision")
    }
}

extension TenantTransaction {
    /// Tells of a change: an event of the object as it is now, and a delivery for each endpoint that is subscribed.
    /// Both commit with what happened. Give it the row as it was read after the change; returns it with its new
    /// revision. `extra`: what the event says besides, by `EventType.extra`.
    @discardableResult
    package func emit<Object: EventObject>(
        _ type: EventType, _ object: Object, extra: ((inout JSONWriter) -> Void)? = nil
    ) throws -> Object {
        let told = try raised(object)
        let event = try insertEvent(type, told, extra: extra).id
        try queue(type, event: event, resellerID: object.resellerID, book: object.book)
        return told
    }

    /// The same of an object that has just been written, with revision 1.
    package func emitNew(_ type: EventType, _ object: some EventObject) throws {
        let event = try insertEvent(type, object, extra: nil).id
        try queue(type, event: event, resellerID: object.resellerID, book: object.book)
    }

    /// An event for the pull feed alone; whoever is to receive it is told apart.
    package func emitUnsent(
        _ type: EventType, _ object: some EventObject, extra: ((inout JSONWriter) -> Void)? = nil
    ) throws -> (id: Int64, publicID: String) {
        try insertEvent(type, try raised(object), extra: extra)
    }

    private func raised<Object: EventObject>(_ object: Object) throws -> Object {
        var raised = object
        guard let rows = Object.revised else {
            raised.revision = try revisionFloor() + 1
            return raised
        }
        object.forget(in: self)
        guard let revision = try connection.row(rows.raise, .integer(object.id), read: { try $0.int() }) else {
            throw Refusal.defect
        }
        raised.revision = revision
        return raised
    }

    /// The body is made here, once: what is signed and sent are these bytes, at every attempt.
    private func insertEvent<Object: EventObject>(
        _ type: EventType, _ object: Object, extra: ((inout JSONWriter) -> Void)?
    ) throws -> (id: Int64, publicID: String) {
        let now = now
        var writer = JSONWriter(reserving: 768)
        writer.object { json in
            json.field("type", type.rawValue)
            json.field("timestamp", now.text)
            json.object("data") { json in
                Object.told.write(object, in: currency, to: &json)
                extra?(&json)
            }
        }
        guard writer.bytes.count <= Self.eventBytesMax else { throw Refusal.defect }
        let publicID = newPublicID("evt")
        try connection.run(
            """
            INSERT INTO event (public_id, book, reseller_id, type, at, object, revision, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """
        ) { row in
            row.text(publicID)
            row.book(object.book)
            row.int(object.resellerID)
            row.text(type.rawValue)
            row.time(now)
            row.text(object.publicID)
            row.int(object.revision)
            row.text(utf8: writer.bytes)
        }
        store.eventWritten(of: object.resellerID)
        return (connection.lastInsertedRowID, publicID)
    }

    /// What Standard Webhooks asks of senders (H1). Every object that is told of has bounds that stay below it.
    private static let eventBytesMax = 20_000
}
