import CallKit
import SQLite
package import TenantRegistry

package enum DeliveryState: String, Sendable, CaseIterable, AnswerValue {
    case pending
    case delivered
    /// Every attempt failed; it may be sent again.
    case dead
    /// Its endpoint was removed, or its reseller terminated. A test-send that failed is too.
    case dropped
    /// Its endpoint is paused or disabled; a replay sends it.
    case held
}

/// One event on its way to one endpoint (O7, H4).
package struct Delivery: Sendable {
    package let id: Int64
    package let publicID: String
    package let eventPublicID: String
    package let type: EventType
    package let book: Book
    package let resellerID: Int64
    package let resellerPublicID: String
    package let endpointID: Int64
    package let endpointPublicID: String
    package let endpointName: String
    package let url: String
    /// Its endpoint takes deliveries now.
    package let isEndpointOpen: Bool
    package let state: DeliveryState
    /// Failures of the schedule that runs, or ran last.
    package let attempts: Int64
    /// All attempts that there ever were.
    package let tries: Int64
    package let isTest: Bool
    package let createdAt: Timestamp
    package let firstAt: Timestamp?
    package let nextAt: Timestamp?
    package let lastOutcome: AttemptOutcome?
    package let lastStatus: Int64?
    package let updatedAt: Timestamp

    static let columns = Columns<Delivery>(
        "d.id", "d.public_id", "e.public_id", "d.type", "d.book", "d.reseller_id", "r.public_id", "w.id",
        "w.public_id", "w.name", "w.url", "w.state = 'active' AND w.removed_at IS NULL", "d.state", "d.attempts",
        "d.tries", "d.is_test", "d.created_at", "d.first_at", "d.next_at", "d.last_outcome", "d.last_status",
        "d.updated_at")
    static let tables = """
        delivery d CROSS JOIN event e ON e.id = d.event_id CROSS JOIN webhook_endpoint w ON w.id = d.endpoint_id \
        CROSS JOIN reseller r ON r.id = d.reseller_id
        """
    static let byID = Statement("SELECT \(columns) FROM \(tables) WHERE d.id = ?1")
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM \(tables) WHERE d.public_id = ?1")
    fileprivate static let ofEvent = Statement(
        "SELECT \(columns) FROM \(tables) WHERE d.event_id = ?1 ORDER BY d.id DESC")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        eventPublicID = try row.text()
        type = try row.value()
        book = try row.value()
        resellerID = try row.int()
        resellerPublicID = try row.text()
        endpointID = try row.int()
        endpointPublicID = try row.text()
        endpointName = try row.text()
        url = try row.text()
        isEndpointOpen = try row.bool()
        state = try row.value()
        attempts = try row.int()
        tries = try row.int()
        isTest = try row.bool()
        createdAt = try row.time()
        firstAt = try row.optionalTime()
        nextAt = try row.optionalTime()
        lastOutcome = try row.optionalValue()
        lastStatus = try row.optionalInt()
        updatedAt = try row.time()
    }
}

/// How many deliveries of an endpoint wait, are held back, and have come to nothing.
package struct DeliveryCounts: Sendable, Equatable {
    package var pending: Int64 = 0
    package var held: Int64 = 0
    package var dead: Int64 = 0
}

extension TenantReader {
    /// What is sent, byte for byte.
    package func body(of delivery: Delivery) throws -> String {
        let body = try connection.row(
            "SELECT e.body FROM delivery d JOIN event e ON e.id = d.event_id WHERE d.id = ?1", .integer(delivery.id)
        ) { try $0.text() }
        guard let body else { throw Refusal.defect }
        return body
    }

    package func delivery(publicID: String) throws -> Delivery? {
        try connection.row(Delivery.byPublicID, .text(publicID), read: Delivery.init)
    }

    func delivery(id: Int64) throws -> Delivery? {
        try connection.row(Delivery.byID, .integer(id), read: Delivery.init)
    }

    /// One for each endpoint that was subscribed, newest first.
    func deliveries(ofEvent id: Int64) throws -> [Delivery] {
        try connection.rows(Delivery.ofEvent, .integer(id), read: Delivery.init)
    }

    /// Endpoints of which something is kept that they do not get, and whether they never will: their queues were longer
    /// than what is settled at once.
    func unsettledEndpoints() throws -> [(id: Int64, isOver: Bool)] {
        try connection.rows(
            """
            SELECT w.id, max(w.removed_at IS NOT NULL OR w.disabled_reason IS 'terminated')
            FROM delivery_count c CROSS JOIN webhook_endpoint w ON w.id = c.endpoint_id
            WHERE c.count > 0 AND (c.state = 'pending' AND (w.state <> 'active' OR w.removed_at IS NOT NULL)
                OR (c.state = 'held' OR c.state = 'dead')
                    AND (w.removed_at IS NOT NULL OR w.disabled_reason IS 'terminated'))
            GROUP BY w.id
            """
        ) { row in (id: try row.int(), isOver: try row.bool()) }
    }

    func eventID(_ publicID: String, resellerID: Int64?, book: Book) throws -> Int64? {
        try connection.row(
            "SELECT id FROM event WHERE public_id = ?1 AND book = ?2 AND (?3 IS NULL OR reseller_id = ?3)",
            .text(publicID), .book(book), .optional(resellerID)
        ) { try $0.int() }
    }

    package func deliveryCounts(ofEndpoint id: Int64) throws -> DeliveryCounts {
        var counts = DeliveryCounts()
        try connection.forEach("SELECT state, count FROM delivery_count WHERE endpoint_id = ?1", .integer(id)) { row in
            counts.add(try row.value(), try row.int())
            return true
        }
        return counts
    }
}

extension TenantReader {
    /// Of all endpoints together.
    func backlog() throws -> Backlog {
        var counts = DeliveryCounts()
        try connection.forEach(
            """
            SELECT state, sum(count) FROM delivery_count
            WHERE (state = 'dead' OR state = 'held') AND count > 0 GROUP BY state
            """
        ) { row in
            counts.add(try row.value(), try row.int())
            return true
        }
        return Backlog(held: counts.held, dead: counts.dead)
    }
}

extension DeliveryCounts {
    fileprivate mutating func add(_ state: DeliveryState, _ count: Int64) {
        switch state {
        case .pending: pending += count
        case .held: held += count
        case .dead: dead += count
        case .delivered, .dropped: break
        }
    }
}

extension TenantTransaction {
    /// What was delivered or dropped is kept for so long, to be looked at and sent again.
    package static let settledDeliveriesKeptDays: Int64 = 30
    /// What came to nothing, or is held back, waits for somebody for so long.
    package static let deadDeliveriesKeptDays: Int64 = 90

    /// Queues an event for every endpoint of its reseller that wants it, due now; held where the endpoint is paused or
    /// disabled.
    func queue(_ type: EventType, event: Int64, resellerID: Int64, book: Book) throws {
        for endpoint in try webhookEndpoints(resellerID: resellerID, book: book) where endpoint.wants(type) {
            try insertDelivery(of: type, event: event, to: endpoint)
        }
    }

    func insertDelivery(of type: EventType, event: Int64, to endpoint: WebhookEndpoint) throws {
        // Nobody has its events any more.
        if endpoint.disabledReason == .terminated { return }
        let now = now
        let state = endpoint.isActive ? DeliveryState.pending : .held
        try connection.run(
            """
            INSERT INTO delivery (public_id, event_id, endpoint_id, reseller_id, book, type, state, created_at, next_at,
                updated_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?8)
            """,
            .text(newPublicID("dlv")), .integer(event), .integer(endpoint.id), .integer(endpoint.resellerID),
            .book(endpoint.book), .text(type.rawValue), .text(state.rawValue), .time(now),
            endpoint.isActive ? .time(now) : .null)
        if endpoint.isActive { noteDue(.delivery, at: now) } else { store.backlogChanges() }
    }

    /// Sends once, immediately, outside the schedule: nothing is queued for it (H4). Returns its row's id.
    func insertTestDelivery(event: Int64, to endpoint: WebhookEndpoint) throws -> Int64 {
        try connection.run(
            """
            INSERT INTO delivery (public_id, event_id, endpoint_id, reseller_id, book, type, state, is_test, created_at,
                updated_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'dropped', 1, ?7, ?7)
            """,
            .text(newPublicID("dlv")), .integer(event), .integer(endpoint.id), .integer(endpoint.resellerID),
            .book(endpoint.book), .text(EventType.webhookTest.rawValue), .time(now))
        return connection.lastInsertedRowID
    }

    /// Due at `at`, its schedule begun anew. Its id, its event and the attempts that were stay.
    package func requeue(_ id: Int64, at: Timestamp) throws {
        try connection.run(
            """
            UPDATE delivery SET state = 'pending', attempts = 0, next_at = ?2, updated_at = ?3 WHERE id = ?1
            """,
            .integer(id), .time(at), .time(now))
        noteDue(.delivery, at: at)
        store.backlogChanges()
    }

    /// The same of one among many, of an endpoint that is active; false where it is nobody's any more.
    func replay(_ id: Int64, at: Timestamp, of replay: Int64? = nil) throws -> Bool {
        try connection.run(
            """
            UPDATE delivery SET state = 'pending', attempts = 0, next_at = ?2, updated_at = ?3,
                replay_id = coalesce(?4, replay_id)
            WHERE id = ?1 AND state <> 'dropped' AND is_test = 0
            """,
            .integer(id), .time(at), .time(now), .optional(replay))
        noteDue(.delivery, at: at)
        return connection.changes == 1
    }

    /// Takes what an endpoint has waiting out of the queue: held, or dropped where it was removed or its reseller
    /// terminated. Returns how many rows; fewer than `limit` says that none is left.
    @discardableResult
    package func settleQueue(ofEndpoint id: Int64, as state: DeliveryState, limit: Int) throws -> Int {
        precondition(state == .held || state == .dropped, "what waits is held or dropped")
        // Nobody is left to get what came to nothing either.
        let held =
            state == .dropped ? "state = 'pending' OR state = 'held' OR state = 'dead'" : "state = 'pending'"
        try connection.run(
            dynamic: """
                UPDATE delivery SET state = '\(state.rawValue)', next_at = NULL, updated_at = ?2
                WHERE id IN (SELECT id FROM delivery WHERE endpoint_id = ?1 AND (\(held)) LIMIT ?3)
                """,
            [.integer(id), .time(now), .int(limit)])
        let settled = connection.changes
        if settled > 0 { store.backlogChanges() }
        // There may be more: nothing of it is claimed, and the file is cleared up at once.
        if settled == limit { noteDue(.housekeeping, at: now) }
        return settled
    }

    /// The same for every endpoint that has something waiting which it does not get. Returns how many rows.
    @discardableResult
    package func settleQueues(limit: Int) throws -> Int {
        var settled = 0
        for endpoint in try unsettledEndpoints() where settled < limit {
            settled += try settleQueue(
                ofEndpoint: endpoint.id, as: endpoint.isOver ? .dropped : .held, limit: limit - settled)
        }
        return settled
    }

    /// Queues again what was held since just then, when the file was taken back from the past, where its endpoint
    /// takes deliveries. Returns how many; fewer than `limit` says that none is left.
    func releaseHeld(since: Timestamp, limit: Int) throws -> Int {
        try connection.run(
            """
            UPDATE delivery SET state = 'pending', next_at = ?2, updated_at = ?2 WHERE id IN (
                SELECT d.id FROM delivery d CROSS JOIN webhook_endpoint w ON w.id = d.endpoint_id
                WHERE (d.state = 'dead' OR d.state = 'held') AND d.state = 'held' AND d.updated_at = ?1
                    AND w.state = 'active' AND w.removed_at IS NULL
                LIMIT ?3)
            """,
            .time(since), .time(now), .int(limit))
        let count = try connection.row("SELECT changes()") { try Int($0.int()) } ?? 0
        if count > 0 {
            noteDue(.delivery, at: now)
            store.backlogChanges()
        }
        return count
    }

    /// Clears what has had its time, with its attempts; events stay. `limit`: rows of either kind.
    package func purgeDeliveries(limit: Int) throws {
        let settled = "state = 'delivered' OR state = 'dropped'"
        let kept = "state = 'dead' OR state = 'held'"
        for (states, days) in [(settled, Self.settledDeliveriesKeptDays), (kept, Self.deadDeliveriesKeptDays)] {
            let old = "SELECT id FROM delivery WHERE (\(states)) AND updated_at <= ?1 ORDER BY updated_at LIMIT ?2"
            let values: [SQLValue] = [.time(now.adding(days: -days)), .int(limit)]
            try connection.run(dynamic: "DELETE FROM attempt WHERE delivery_id IN (\(old))", values)
            try connection.run(dynamic: "DELETE FROM delivery WHERE id IN (\(old))", values)
            if connection.changes > 0 { store.backlogChanges() }
        }
    }

    /// The same for all of a terminated reseller's endpoints (W1).
    func dropDeliveries(resellerID: Int64) throws {
        let endpoints = try connection.rows(
            """
            SELECT DISTINCT w.id FROM webhook_endpoint w CROSS JOIN delivery_count c ON c.endpoint_id = w.id
            WHERE w.reseller_id = ?1 AND c.count > 0 AND (c.state = 'pending' OR c.state = 'held' OR c.state = 'dead')
            """,
            .integer(resellerID)
        ) { try $0.int() }
        var room = Self.settledAtOnceMax
        for endpoint in endpoints where room > 0 {
            room -= try settleQueue(ofEndpoint: endpoint, as: .dropped, limit: room)
        }
    }
}
