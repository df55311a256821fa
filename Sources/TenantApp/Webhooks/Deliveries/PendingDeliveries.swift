import CallKit
import SQLite
package import TenantRegistry

/// Webhooks fall due in the file and are sent outside it (H3).
package struct PendingDeliveries: DueWork {
    package let kind = DueKind.delivery

    private static let waiting = Statement(
        """
        WITH RECURSIVE waiting (id) AS (
            SELECT min(endpoint_id) FROM delivery WHERE state = 'pending'
            UNION ALL
            SELECT (SELECT min(d.endpoint_id) FROM delivery d WHERE d.state = 'pending' AND d.endpoint_id > waiting.id)
            FROM waiting WHERE waiting.id IS NOT NULL
        )
        SELECT w.id, w.book, r.public_id FROM waiting CROSS JOIN webhook_endpoint w ON w.id = waiting.id
            CROSS JOIN reseller r ON r.id = w.reseller_id
        WHERE w.state = 'active' AND w.removed_at IS NULL AND (?1 IS NULL OR r.id = ?1)
        """)
    private static let ofEndpoint = Statement(
        """
        SELECT id, public_id, next_at, tries FROM delivery
        WHERE state = 'pending' AND endpoint_id = ?1 AND next_at >= ?2 AND (next_at > ?2 OR id > ?3) AND next_at <= ?4
        ORDER BY next_at, id LIMIT ?5
        """)

    package init() {}

    package func next(_ tenant: TenantReader) throws -> Timestamp? { try tenant.nextDelivery() }

    private static let ahead = Statement(
        """
        UPDATE delivery SET next_at = ?1, not_before = NULL, updated_at = min(updated_at, ?1) WHERE id IN (
            SELECT id FROM delivery
            WHERE state = 'pending' AND endpoint_id IN (SELECT id FROM webhook_endpoint) AND next_at > ?2 LIMIT ?3)
        """)

    package func run(_ tenant: TenantTransaction, limit: Int) throws -> Int {
        let now = tenant.now
        try tenant.connection.run(Self.ahead, .time(now), .time(kind.latestTry(at: now)), .int(limit))
        let count = tenant.connection.changes
        if count > 0 { tenant.noteDue(kind, at: now) }
        return count
    }

    package func coming(_ tenant: TenantReader, _ page: DuePage) throws -> [DueItem] {
        let endpoints = try tenant.connection.rows(Self.waiting, .optional(page.resellerID)) { row in
            try (id: row.int(), book: row.value(of: Book.self), reseller: row.text())
        }
        var items: [DueItem] = []
        for endpoint in endpoints {
            items += try tenant.connection.rows(
                Self.ofEndpoint, .integer(endpoint.id), .time(page.after.at), .integer(page.after.id),
                .time(page.until), .int(page.limit)
            ) { row in
                let (id, publicID) = (try row.int(), try row.text())
                return DueItem(
                    kind: kind, at: try row.time(), id: id, object: publicID, resellerPublicID: endpoint.reseller,
                    tries: try row.int(), book: endpoint.book)
            }
        }
        items.sort { ($0.at, $0.id) < ($1.at, $1.id) }
        return Array(items.prefix(page.limit))
    }
}

extension TenantTransaction {
    /// One that has failed so often waits so long after its last attempt all the same: of an endpoint that answers one
    /// in ten it would have used up its attempts within a minute.
    private static let hastenedAtOnce = 3
    private static let restMilliseconds: Int64 = 300_000
    private static let soonest =
        "max(?2, coalesce(not_before, ?2), iif(attempts > \(hastenedAtOnce), updated_at + \(restMilliseconds), ?2))"
    private static let hastened = Statement(
        """
        UPDATE delivery SET next_at = \(soonest) WHERE id IN (
            SELECT id FROM delivery WHERE state = 'pending' AND endpoint_id = ?1 AND next_at > ?2
                AND next_at > \(soonest)
            ORDER BY next_at LIMIT ?3)
        """)

    /// An endpoint answers again: what waits for the next attempt is due now, or as soon as the endpoint has asked for,
    /// or, after many failures, in a few minutes (H3). Returns how many there were, `limit` at the most.
    package func hastenDeliveries(ofEndpoint id: Int64, limit: Int) throws -> Int {
        try connection.run(Self.hastened, .integer(id), .time(now), .int(limit))
        let count = connection.changes
        if count > 0 { noteDue(.delivery, at: now) }
        return count
    }
}
