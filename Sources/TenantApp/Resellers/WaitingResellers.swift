import SQLite

extension AttentionSource {
    /// Those who wait for approval: who were invited, and who applied and have not lapsed.
    static let applications = AttentionSource(kind: "applications") { tenant in
        let lapsed = SQLValue.time(tenant.lapsedBefore)
        let count = try tenant.connection.row(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM reseller WHERE state = 0 AND (is_applicant = 0 OR created_at > ?1) LIMIT ?2)
            """,
            lapsed, .int(countMax)
        ) { try $0.int() }
        guard let count, count > 0 else { return nil }
        let items = try tenant.connection.rows(waiting, lapsed, .int(itemsMax)) { row in
            AttentionItem(object: try row.text(), at: try row.time())
        }
        return AttentionLine(
            kind: "applications", count: Int(count), items: items, link: "/api/admin/resellers?status=pending")
    }

    private static let waiting = Statement(
        """
        SELECT public_id, created_at FROM reseller WHERE state = 0 AND (is_applicant = 0 OR created_at > ?1)
        ORDER BY created_at LIMIT ?2
        """)
}
