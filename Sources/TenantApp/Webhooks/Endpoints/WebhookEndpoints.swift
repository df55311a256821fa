import CallKit
import SQLite
package import TenantRegistry

package enum EndpointState: String, Sendable, CaseIterable, AnswerValue {
    case active
    /// By its reseller or an operator, for a while.
    case paused
    /// For a `DisabledReason`.
    case disabled
}

package enum DisabledReason: String, Sendable, CaseIterable, AnswerValue {
    /// It answered 410.
    case gone
    /// Nothing but failures for `EndpointHealth.failingDaysMax`.
    case failing
    /// An operator did, and an operator alone enables it.
    case byOperator = "operator"
    /// Its reseller was terminated (W1).
    case terminated
}

/// Where events of one reseller and book go (H4). `default` signs with the reseller's secret, any other with its own.
package struct WebhookEndpoint: Sendable {
    /// Of `/webhook`, and of orders (O3).
    package static let defaultName = "default"
    /// So many endpoints a reseller has at most in a book: each event is queued for every one.
    package static let countMax = 20
    package static let concurrencyDefault: Int64 = 8
    package static let concurrencyMax: Int64 = 64
    package static let perSecondMax: Int64 = 1_000
    /// The form of events' bodies: there is one so far.
    package static let version: Int64 = 1

    package let id: Int64
    package let publicID: String
    package let resellerID: Int64
    package let book: Book
    package let name: String
    package let url: String
    package let events: [String]
    package let state: EndpointState
    package let disabledReason: DisabledReason?
    package let disabledAt: Timestamp?
    /// So many calls to it at once; 1: first attempts in order.
    package let concurrency: Int64
    /// So many calls to it in a second, after as many at once; nil: as many as it takes.
    package let maxPerSecond: Int64?
    package let version: Int64
    package let createdAt: Timestamp
    package let updatedAt: Timestamp
    package var revision: Int64

    static let columns = Columns<WebhookEndpoint>(
        "id", "public_id", "reseller_id", "book", "name", "url", "events", "state", "disabled_reason", "disabled_at",
        "concurrency", "max_per_second", "version", "created_at", "updated_at", "revision")
    fileprivate static let ofReseller = Statement(
        """
        SELECT \(columns) FROM webhook_endpoint
        WHERE reseller_id = ?1 AND book = ?2 AND removed_at IS NULL ORDER BY id
        """)
    fileprivate static let byID = Statement(
        "SELECT \(columns) FROM webhook_endpoint WHERE id = ?1 AND removed_at IS NULL")
    fileprivate static let byPublicID = Statement(
        "SELECT \(columns) FROM webhook_endpoint WHERE public_id = ?1 AND removed_at IS NULL")
    fileprivate static let page = Statement(
        """
        SELECT \(columns) FROM webhook_endpoint
        WHERE id > ?1 AND book = ?2 AND removed_at IS NULL AND (?4 IS NULL OR state = ?4) AND \(isAsked)
        ORDER BY id LIMIT ?3
        """)
    fileprivate static let pageOfReseller = Statement(
        """
        SELECT \(columns) FROM webhook_endpoint
        WHERE reseller_id = ?6 AND book = ?2 AND id > ?1 AND removed_at IS NULL AND (?4 IS NULL OR state = ?4)
            AND \(isAsked)
        ORDER BY id LIMIT ?3
        """)
    /// `?5`: only those that are called and fail.
    private static let isAsked = """
        (NOT ?5 OR state = 'active' AND EXISTS (
            SELECT 1 FROM endpoint_health h WHERE h.endpoint_id = webhook_endpoint.id AND \(EndpointHealth.isFailing)))
        """

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        resellerID = try row.int()
        book = try row.value()
        name = try row.text()
        url = try row.text()
        events = try row.text().split(separator: ",").map(String.init)
        state = try row.value()
        disabledReason = try row.optionalValue()
        disabledAt = try row.optionalTime()
        concurrency = try row.int()
        maxPerSecond = try row.optionalInt()
        version = try row.int()
        createdAt = try row.time()
        updatedAt = try row.time()
        revision = try row.int()
    }

    package var isActive: Bool { state == .active }
    package var isDefault: Bool { name == Self.defaultName }

    func wants(_ type: EventType) -> Bool { events.contains(type.rawValue) }
}

extension TenantReader {
    /// Of a reseller, oldest first; remembered, since every event asks.
    package func webhookEndpoints(resellerID: Int64, book: Book) throws -> [WebhookEndpoint] {
        let key = TenantMemory.EndpointsKey(resellerID: resellerID, book: book)
        if let known = memory.endpoints[key] { return known }
        let endpoints = try connection.rows(
            WebhookEndpoint.ofReseller, .integer(resellerID), .book(book), read: WebhookEndpoint.init)
        memory.endpoints.remember(endpoints, for: key)
        return endpoints
    }

    /// The endpoint of `/webhook`.
    package func defaultWebhook(resellerID: Int64, book: Book) throws -> WebhookEndpoint? {
        try webhookEndpoints(resellerID: resellerID, book: book).first(where: \.isDefault)
    }

    /// A reseller's own.
    package func knownWebhookEndpoint(_ publicID: String, resellerID: Int64, book: Book) throws -> WebhookEndpoint {
        let known = try webhookEndpoints(resellerID: resellerID, book: book).first { $0.publicID == publicID }
        guard let known else { throw Refusal.notFound(.webhook) }
        return known
    }

    /// Anybody's, for the operator.
    package func knownWebhookEndpoint(_ publicID: String) throws -> WebhookEndpoint {
        let known = try connection.row(WebhookEndpoint.byPublicID, .text(publicID), read: WebhookEndpoint.init)
        guard let known else { throw Refusal.notFound(.webhook) }
        return known
    }

    /// Nil where it was removed.
    package func webhookEndpoint(id: Int64) throws -> WebhookEndpoint? {
        try connection.row(WebhookEndpoint.byID, .integer(id), read: WebhookEndpoint.init)
    }

    /// One that was removed too: its deliveries are still there to be looked at.
    func endpointID(_ publicID: String, resellerID: Int64?, book: Book) throws -> Int64? {
        try connection.row(
            """
            SELECT id FROM webhook_endpoint
            WHERE public_id = ?1 AND book = ?2 AND (?3 IS NULL OR reseller_id = ?3)
            """,
            .text(publicID), .book(book), .optional(resellerID)
        ) { try $0.int() }
    }

    /// Oldest first, behind endpoint `id`. `isFailing`: only those that are called, and have failed often in a row.
    package func webhookEndpoints(
        resellerID: Int64?, book: Book, state: EndpointState? = nil, isFailing: Bool = false, after id: Int64,
        limit: Int
    ) throws -> [WebhookEndpoint] {
        guard let resellerID else {
            return try connection.rows(
                WebhookEndpoint.page, .integer(id), .book(book), .int(limit), .optional(state?.rawValue),
                .bool(isFailing), read: WebhookEndpoint.init)
        }
        return try connection.rows(
            WebhookEndpoint.pageOfReseller, .integer(id), .book(book), .int(limit), .optional(state?.rawValue),
            .bool(isFailing), .integer(resellerID), read: WebhookEndpoint.init)
    }
}

extension TenantTransaction {
    package func insertWebhookEndpoint(
        name: String, url: String, events: [String], concurrency: Int64 = WebhookEndpoint.concurrencyDefault,
        maxPerSecond: Int64? = nil, resellerID: Int64, book: Book
    ) throws -> WebhookEndpoint {
        let publicID = newPublicID("whe")
        forgetEndpoints(resellerID: resellerID)
        try connection.run(
            """
            INSERT INTO webhook_endpoint (public_id, reseller_id, book, name, url, events, concurrency, created_at,
                updated_at, max_per_second)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)
            """,
            .text(publicID), .integer(resellerID), .book(book), .text(name), .text(url),
            .text(events.joined(separator: ",")), .integer(concurrency), .time(now),
            .optional(maxPerSecond))
        return try knownWebhookEndpoint(publicID, resellerID: resellerID, book: book)
    }

    /// What its reseller says of it; its state stays.
    package func save(
        _ endpoint: WebhookEndpoint, name: String, url: String, events: [String], concurrency: Int64,
        maxPerSecond: Int64?
    ) throws {
        forgetEndpoints(resellerID: endpoint.resellerID)
        try connection.run(
            """
            UPDATE webhook_endpoint SET name = ?2, url = ?3, events = ?4, concurrency = ?5, updated_at = ?6,
                max_per_second = ?7
            WHERE id = ?1
            """,
            .integer(endpoint.id), .text(name), .text(url), .text(events.joined(separator: ",")),
            .integer(concurrency), .time(now), .optional(maxPerSecond))
    }

    /// `reason`: nil unless it is disabled.
    func setState(of endpoint: WebhookEndpoint, to state: EndpointState, reason: DisabledReason? = nil) throws {
        forgetEndpoints(resellerID: endpoint.resellerID)
        try connection.run(
            """
            UPDATE webhook_endpoint SET state = ?2, disabled_reason = ?3, disabled_at = iif(?3 IS NULL, NULL, ?4),
                updated_at = ?4
            WHERE id = ?1
            """,
            .integer(endpoint.id), .text(state.rawValue), .optional(reason?.rawValue), .time(now))
    }

    /// It receives nothing any more. Its row stays: deliveries name it.
    func remove(_ endpoint: WebhookEndpoint) throws {
        forgetEndpoints(resellerID: endpoint.resellerID)
        try connection.run(
            "UPDATE webhook_endpoint SET removed_at = ?2, updated_at = ?2 WHERE id = ?1", .integer(endpoint.id),
            .time(now))
        try connection.run("DELETE FROM webhook_endpoint_secret WHERE endpoint_id = ?1", .integer(endpoint.id))
        try connection.run("DELETE FROM endpoint_health WHERE endpoint_id = ?1", .integer(endpoint.id))
    }

    /// A terminated reseller's: later events queue nothing for it (W1).
    func disableWebhooks(resellerID: Int64) throws {
        forgetEndpoints(resellerID: resellerID)
        try connection.run(
            """
            UPDATE webhook_endpoint SET state = 'disabled', disabled_reason = 'terminated', disabled_at = ?2,
                updated_at = ?2
            WHERE reseller_id = ?1
            """,
            .integer(resellerID), .time(now))
    }

    /// Whoever writes an endpoint's row says so here, in the same function: events ask memory where they go.
    func forgetEndpoints(resellerID: Int64) {
        store.webhooksChange()
        for book in Book.allCases {
            memory.endpoints[TenantMemory.EndpointsKey(resellerID: resellerID, book: book)] = nil
        }
    }
}
