import CallKit
import SQLite
package import TenantRegistry

/// An endpoint with something to be sent now.
package struct DueEndpoint: Sendable {
    package let id: Int64
    package let publicID: String
    package let resellerID: Int64
    package let url: String
    package let concurrency: Int
    package let maxPerSecond: Int?
    package let failuresInRow: Int
    /// When the first of what waits is due.
    package let nextAt: Timestamp

    fileprivate static let columns = Columns<DueEndpoint>(
        "w.id", "w.public_id", "w.reseller_id", "w.url", "w.concurrency", "w.max_per_second",
        "coalesce(h.failures_in_row, 0)", "q.next_at")
    /// From one endpoint to the next, however much each has waiting.
    static let due = Statement(
        """
        WITH RECURSIVE waiting (id) AS (
            SELECT min(endpoint_id) FROM delivery WHERE state = 'pending'
            UNION ALL
            SELECT (SELECT min(d.endpoint_id) FROM delivery d WHERE d.state = 'pending' AND d.endpoint_id > waiting.id)
            FROM waiting WHERE waiting.id IS NOT NULL
        ), queued (id, next_at) AS (
            SELECT waiting.id, (SELECT min(d.next_at) FROM delivery d
                WHERE d.state = 'pending' AND d.endpoint_id = waiting.id)
            FROM waiting WHERE waiting.id IS NOT NULL
        )
        SELECT \(columns) FROM queued q CROSS JOIN webhook_endpoint w ON w.id = q.id
            CROSS JOIN reseller r ON r.id = w.reseller_id LEFT JOIN endpoint_health h ON h.endpoint_id = w.id
        WHERE q.next_at <= ?1 AND \(isOpen) ORDER BY q.next_at LIMIT ?2
        """)
    fileprivate static let first = Statement(
        """
        WITH RECURSIVE waiting (id) AS (
            SELECT min(endpoint_id) FROM delivery WHERE state = 'pending'
            UNION ALL
            SELECT (SELECT min(d.endpoint_id) FROM delivery d WHERE d.state = 'pending' AND d.endpoint_id > waiting.id)
            FROM waiting WHERE waiting.id IS NOT NULL
        )
        SELECT min((SELECT min(d.next_at) FROM delivery d
            WHERE d.state = 'pending' AND d.endpoint_id = waiting.id AND d.next_at > ?1))
        FROM waiting CROSS JOIN webhook_endpoint w ON w.id = waiting.id
            CROSS JOIN reseller r ON r.id = w.reseller_id
        WHERE \(isOpen)
        """)
    /// It takes deliveries, and its reseller gets any.
    fileprivate static let isOpen = """
        w.state = 'active' AND w.removed_at IS NULL AND r.state <> \(ResellerState.terminated.rawValue)
        """

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        resellerID = try row.int()
        url = try row.text()
        concurrency = Int(try row.int())
        maxPerSecond = try row.optionalInt().map { Int($0) }
        failuresInRow = Int(try row.int())
        nextAt = try row.time()
    }
}

/// A delivery as it goes out: what is signed and sent, and every secret that signs it now (H1, H4).
package struct ClaimedDelivery: Sendable {
    package let id: Int64
    package let endpointID: Int64
    /// Where its endpoint led when it was read.
    package let url: String
    /// The `webhook-id`, the same in every attempt.
    package let eventPublicID: String
    package let body: [UInt8]
    /// Newest first, as bytes.
    package let secrets: [[UInt8]]
    package let tries: Int
    package let createdAt: Timestamp
    package let firstAt: Timestamp?

    fileprivate static let columns = Columns<ClaimedDelivery>(
        "d.id", "d.endpoint_id", "e.public_id", "e.body", "d.tries", "d.created_at", "d.first_at")
    fileprivate static let byID = Statement(
        "SELECT \(columns) FROM delivery d CROSS JOIN event e ON e.id = d.event_id WHERE d.id = ?1")
    static let due = Statement(
        """
        SELECT \(columns) FROM delivery d CROSS JOIN event e ON e.id = d.event_id
        WHERE d.endpoint_id = ?1 AND d.state = 'pending' AND d.next_at <= ?2 ORDER BY d.next_at, d.id LIMIT ?3
        """)
    static let news = Statement(
        """
        SELECT \(columns) FROM delivery d CROSS JOIN event e ON e.id = d.event_id
        WHERE d.endpoint_id = ?1 AND d.state = 'pending' AND d.next_at <= ?2 ORDER BY d.next_at DESC, d.id DESC
        LIMIT ?3
        """)

    init(_ id: Int64, _ row: inout RowReader, to url: String, _ secrets: [[UInt8]]) throws {
        self.id = id
        self.url = url
        endpointID = try row.int()
        eventPublicID = try row.text()
        body = try row.withText { Array($0) }
        self.secrets = secrets
        tries = Int(try row.int())
        createdAt = try row.time()
        firstAt = try row.optionalTime()
    }
}

/// What the sender asks of the file: nothing is written, so that a restart begins where the rows are.
extension TenantReader {
    /// Endpoints with something due now, those that have waited longest first.
    package func dueEndpoints(limit: Int) throws -> [DueEndpoint] {
        guard try sendsOutbound() else { return [] }
        return try connection.rows(DueEndpoint.due, .time(now), .int(limit), read: DueEndpoint.init)
    }

    /// What is due of an endpoint, soonest first and in order of ids, without what is under way already. Where more is
    /// due than is claimed, every fourth is of the newest, so that a replay does not keep news waiting; not where the
    /// endpoint takes one at a time. Nothing where the tenant, the reseller or the endpoint gets none by now.
    package func claim(
        endpoint id: Int64, excluding underWay: Set<Int64>, limit: Int
    ) throws -> [ClaimedDelivery] {
        guard try sendsOutbound(), limit > 0, let endpoint = try webhookEndpoint(id: id), endpoint.isActive,
            try isReceiving(resellerID: endpoint.resellerID)
        else { return [] }
        let secrets = try secrets(of: endpoint)
        let old = try claim(ClaimedDelivery.due, of: endpoint, secrets, excluding: underWay, limit: limit)
        let share = endpoint.concurrency > 1 ? limit / 4 : 0
        guard old.count == limit, share > 0 else { return old }
        var news = try claim(ClaimedDelivery.news, of: endpoint, secrets, excluding: underWay, limit: share)
        let oldest = old.prefix(limit - share)
        let known = Set(oldest.map(\.id))
        news.removeAll { known.contains($0.id) }
        // Few are due: they keep their order.
        if news.count < share { return old }
        var claimed: [ClaimedDelivery] = []
        for (index, delivery) in oldest.enumerated() {
            if index % 3 == 0, let new = news.first {
                claimed.append(new)
                news.removeFirst()
            }
            claimed.append(delivery)
        }
        return claimed + news
    }

    private func claim(
        _ statement: Statement, of endpoint: WebhookEndpoint, _ secrets: [[UInt8]], excluding underWay: Set<Int64>,
        limit: Int
    ) throws -> [ClaimedDelivery] {
        var claimed: [ClaimedDelivery] = []
        try connection.forEach(statement, .integer(endpoint.id), .time(now), .int(limit + underWay.count)) { row in
            let id = try row.int()
            if !underWay.contains(id) {
                claimed.append(try ClaimedDelivery(id, &row, to: endpoint.url, secrets))
            }
            return claimed.count < limit
        }
        return claimed
    }

    /// One that is sent by itself.
    func claimTest(delivery id: Int64, of endpoint: WebhookEndpoint) throws -> ClaimedDelivery? {
        let secrets = try secrets(of: endpoint)
        return try connection.row(ClaimedDelivery.byID, .integer(id)) { row in
            try ClaimedDelivery(try row.int(), &row, to: endpoint.url, secrets)
        }
    }

    /// When the first of all that waits is due, behind an instant; nil where nothing waits for anybody who gets it.
    package func nextDelivery(after time: Timestamp = .earliest) throws -> Timestamp? {
        guard try sendsOutbound() else { return nil }
        return try connection.row(DueEndpoint.first, .time(time)) { try $0.optionalTime() } ?? nil
    }

    private func isReceiving(resellerID: Int64) throws -> Bool {
        try connection.exists(
            "SELECT 1 FROM reseller WHERE id = ?1 AND state <> ?2", .integer(resellerID),
            .integer(ResellerState.terminated.rawValue))
    }
}
