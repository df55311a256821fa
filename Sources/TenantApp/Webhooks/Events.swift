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
    case resellerSuspended = "reseller.suspended"
    case balanceLow = "balance.low"
    case portCreated = "port.created"
    case portExpired = "port.expired"
    case portRotated = "port.rotated"
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
        .resellerSuspended, .balanceLow, .webhookEndpointDisabled,
    ]
    /// The events of proxy ports (X6).
    package static let ports: [EventType] = [
        .portCreated, .portExpired, .portRotated, .customerQuotaExceeded, .balanceLow, .webhookEndpointDisabled,
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
    /// How many events have been of it.
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
        let place = TenantMemory.EndpointsKey(resellerID: resellerID, book: book)
        if let known = memory.endpoints[place] { return known }
        let read = try connection.rows(
            WebhookEndpoint.ofReseller, .integer(resellerID), .book(book), read: WebhookEndpoint.init)
        memory.endpoints.remember(read, for: place)
        return read
    }
}

/// A place in the order of events. `at` is that event's: a file that was restored to a time before it has another event
/// of that id, or none.
package struct EventPlace: Sendable {
    package let id: Int64
    package let at: Timestamp

    package static let beginning = EventPlace(id: 0, at: Timestamp(milliseconds: 0))
}

/// An event as the feed has it.
package struct ToldEvent: Sendable {
    package let place: EventPlace
    package let publicID: String
    package let resellerPublicID: String
    /// As it was signed and sent.
    package let body: [UInt8]
}

/// Which events a page of the feed is of; nil is any.
package struct EventFilter: Sendable {
    package let resellerID: Int64?
    package let book: Book
    package let types: Set<String>?
}

extension TenantReader {
    /// In the order of their commits, behind `place`; and the place of the last one that was looked at, from which to
    /// go on. A page looks at a bounded number of events, whatever it is of.
    package func events(
        _ filter: EventFilter, after place: EventPlace, limit: Int
    ) throws -> (events: [ToldEvent], end: EventPlace, hasMore: Bool) {
        var values: [SQLValue] = [.book(filter.book), .integer(try standing(place).id), .int(Self.eventsSeenMax + 1)]
        if let resellerID = filter.resellerID { values.append(.integer(resellerID)) }
        var (events, end, seen, hasMore): ([ToldEvent], EventPlace, Int, Bool) = ([], place, 0, false)
        try connection.forEach(
            dynamic: """
                SELECT e.id, e.at, e.type, e.public_id, r.public_id, e.body
                FROM event e CROSS JOIN reseller r ON r.id = e.reseller_id
                WHERE e.book = ?1 AND e.id > ?2 \(filter.resellerID == nil ? "" : "AND e.reseller_id = ?4")
                ORDER BY e.id LIMIT ?3
                """, values
        ) { row in
            if events.count == limit || seen == Self.eventsSeenMax {
                hasMore = true
                return false
            }
            seen += 1
            end = EventPlace(id: try row.int(), at: try row.time())
            let type = try row.text()
            guard filter.types?.contains(type) ?? true else { return true }
            events.append(
                ToldEvent(
                    place: end, publicID: try row.text(), resellerPublicID: try row.text(),
                    body: try row.withText { Array($0) }))
            return true
        }
        return (events, end, hasMore)
    }

    /// So many events a page looks at.
    private static let eventsSeenMax = 1_000

    /// The same place in this file. Where the file was restored to a time before that event, all that it held then was
    /// seen, and what came since is newer than the event was.
    private func standing(_ place: EventPlace) throws -> EventPlace {
        let at = try connection.row("SELECT at FROM event WHERE id = ?1", .integer(place.id)) { try $0.time() }
        if at == place.at || place.id == 0 { return place }
        let last = try connection.row(
            "SELECT id FROM event WHERE id <= ?1 AND at <= ?2 ORDER BY id DESC LIMIT 1", .integer(place.id),
            .time(place.at)
        ) { try $0.int() }
        return EventPlace(id: last ?? 0, at: place.at)
    }
}

extension TenantTransaction {
    /// A queued delivery is given up after so long, delivered or not.
    package static let deliveryDays: Int64 = 7

    /// Tells of a change: an event of the object as it is now, and a delivery for each endpoint that is subscribed.
    /// Both commit with what happened. Give it the row as it was read after the change; returns it with its new
    /// revision. `extra`: what the event says besides, by `EventType.extra`.
    @discardableResult
    package func emit<Object: EventObject>(
        _ type: EventType, _ object: Object, extra: ((inout JSONWriter) -> Void)? = nil
    ) throws -> Object {
        let told = try raised(object)
        try deliver(try insertEvent(type, told, extra: extra).id, type, of: told)
        return told
    }

    /// The same of an object that has just been written, with revision 1.
    package func emitNew(_ type: EventType, _ object: some EventObject) throws {
        try deliver(try insertEvent(type, object, extra: nil).id, type, of: object)
    }

    /// An event for the pull feed alone; whoever is to receive it is told apart.
    package func emitUnsent(
        _ type: EventType, _ object: some EventObject, extra: ((inout JSONWriter) -> Void)? = nil
    ) throws -> (id: Int64, publicID: String) {
        try insertEvent(type, try raised(object), extra: extra)
    }

    private func raised<Object: EventObject>(_ object: Object) throws -> Object {
        guard let rows = Object.revised else { return object }
        object.forget(in: self)
        guard let revision = try connection.row(rows.raise, .integer(object.id), read: { try $0.int() }) else {
            throw Refusal.defect
        }
        var raised = object
        raised.revision = revision
        return raised
    }

    private func deliver(_ event: Int64, _ type: EventType, of object: some EventObject) throws {
        for endpoint in try webhookEndpoints(resellerID: object.resellerID, book: object.book)
        where endpoint.isEnabled && endpoint.events.contains(type.rawValue) {
            try insertDelivery(ofEvent: event, to: endpoint.id)
        }
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
            """,
            .text(publicID), .book(object.book), .integer(object.resellerID), .text(type.rawValue), .time(now),
            .text(object.publicID), .integer(object.revision), .text(String(decoding: writer.bytes, as: UTF8.self)))
        return (connection.lastInsertedRowID, publicID)
    }

    /// What Standard Webhooks asks of senders (H1). Every object that is told of has bounds that stay below it.
    private static let eventBytesMax = 20_000

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
        noteDue(.delivery, at: now)
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
        forgetEndpoints(resellerID: resellerID)
    }

    /// Whoever writes an endpoint's row says so here, in the same function: events ask memory where they go.
    func forgetEndpoints(resellerID: Int64) {
        for book in Book.allCases {
            memory.endpoints[TenantMemory.EndpointsKey(resellerID: resellerID, book: book)] = nil
        }
    }

    /// A terminated reseller receives nothing any more: later events queue nothing for it (W1).
    package func disableWebhooks(resellerID: Int64) throws {
        try connection.run("UPDATE webhook_endpoint SET is_enabled = 0 WHERE reseller_id = ?1", .integer(resellerID))
        forgetEndpoints(resellerID: resellerID)
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
