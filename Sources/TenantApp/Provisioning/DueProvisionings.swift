import SQLite
package import TenantRegistry

/// Calls to provisioners, as the scheduler sees them: when the next is due, and what comes. They are made outside the
/// file (W13).
package struct DueProvisionings: DueWork {
    package let kind = DueKind.provisioning

    package init() {}

    package func next(_ tenant: TenantReader) throws -> Timestamp? {
        // What is held waits for a person, and is not late.
        guard try tenant.sendsOutbound() else { return nil }
        return try tenant.connection.row("SELECT min(next_at) FROM provisioning WHERE next_at IS NOT NULL") {
            try $0.optionalTime()
        } ?? nil
    }

    private static let ahead = Statement(
        """
        UPDATE provisioning SET next_at = ?1, since = min(since, ?1) WHERE service_id IN (
            SELECT service_id FROM provisioning WHERE next_at > ?2 ORDER BY next_at LIMIT ?3)
        """)

    package func run(_ tenant: TenantTransaction, limit: Int) throws -> Int {
        let now = tenant.now
        try tenant.connection.run(Self.ahead, .time(now), .time(kind.latestTry(at: now)), .int(limit))
        let count = tenant.connection.changes
        if count > 0 { tenant.noteDue(kind, at: now) }
        return count
    }

    private static let coming = Statement(
        """
        SELECT v.next_at, v.service_id, s.public_id, r.public_id, v.tries, v.book
        FROM provisioning v CROSS JOIN service s ON s.id = v.service_id CROSS JOIN reseller r ON r.id = s.reseller_id
        WHERE v.next_at IS NOT NULL AND v.next_at >= ?1 AND (v.next_at > ?1 OR v.service_id > ?2) AND v.next_at <= ?3
            AND (?4 IS NULL OR s.reseller_id = ?4)
        ORDER BY v.next_at, v.service_id LIMIT ?5
        """)

    package func coming(_ tenant: TenantReader, _ page: DuePage) throws -> [DueItem] {
        try tenant.connection.rows(
            Self.coming, .time(page.after.at), .integer(page.after.id), .time(page.until), .optional(page.resellerID),
            .int(page.limit)
        ) { row in
            DueItem(
                kind: kind, at: try row.time(), id: try row.int(), object: try row.text(),
                resellerPublicID: try row.text(), tries: try row.int(), book: try row.value())
        }
    }
}
