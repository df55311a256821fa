import SQLite

extension AttentionSource {
    /// Reviews that nobody has closed (O8).
    static let openReviews = AttentionSource(
        kind: "reviews_open", link: "/api/admin/reviews?status=open",
        rows: Statement(
            """
            SELECT v.public_id, v.opened_at, r.public_id, v.cause
            FROM account_review v CROSS JOIN reseller r ON r.id = v.reseller_id
            WHERE v.closed_at IS NULL AND v.book = 0 ORDER BY v.id LIMIT ?1
            """),
        places: Statement("SELECT 1 FROM account_review WHERE closed_at IS NULL AND book = 0 LIMIT ?1"))
}
