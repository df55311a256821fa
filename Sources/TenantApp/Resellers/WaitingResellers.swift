import SQLite

extension AttentionSource {
    /// Those who applied and wait for approval, and have not lapsed.
    static let applications = AttentionSource(kind: "applications") { tenant in
        let count = try tenant.applicationsWaiting()
        guard count > 0 else { return nil }
        let items = try tenant.connection.rows(waiting, .time(tenant.lapsedBefore), .int(itemsMax)) { row in
            AttentionItem(object: try row.text(), at: try row.time())
        }
        return AttentionLine(
            kind: "applications", count: min(count, countMax), items: items,
            link: "/api/admin/resellers?status=pending")
    }

    private static let waiting = Statement(
        """
        SELECT public_id, created_at FROM reseller WHERE state = 0 AND is_applicant = 1 AND created_at > ?1
        ORDER BY created_at LIMIT ?2
        """)
}
