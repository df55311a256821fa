import SQLite
package import TenantRegistry

extension AttentionSource {
    /// Orders that somebody has to decide.
    static let pendingOrders = AttentionSource(
        kind: "orders_pending", link: "/api/admin/orders?state=pending",
        rows: Statement(
            """
            SELECT o.public_id, o.created_at, r.public_id, NULL FROM orders o CROSS JOIN reseller r ON r.id = o.reseller_id
            WHERE o.state = 'pending' AND o.book = 0 ORDER BY o.id LIMIT ?1
            """),
        places: pendingPlaces)
    fileprivate static let pendingPlaces = Statement(
        "SELECT 1 FROM orders WHERE state = 'pending' AND book = 0 LIMIT ?1")

    /// Services whose renewal could not be paid.
    static let pastDueServices = AttentionSource(
        kind: "services_past_due", link: "/api/admin/services?status=past_due",
        rows: Statement(
            """
            SELECT s.public_id, s.since, r.public_id, NULL
            FROM (
                SELECT id, public_id, reseller_id, coalesce(renews_at, past_due_since) AS since
                FROM service INDEXED BY service_unpaid
                WHERE past_due_since IS NOT NULL AND state = 'past_due' AND book = 0 LIMIT \(AttentionSource.countMax)
            ) s CROSS JOIN reseller r ON r.id = s.reseller_id
            ORDER BY s.since, s.id LIMIT ?1
            """),
        places: Statement(
            """
            SELECT 1 FROM service INDEXED BY service_unpaid
            WHERE past_due_since IS NOT NULL AND state = 'past_due' AND book = 0 LIMIT ?1
            """))
}

extension TenantReader {
    /// How many orders wait for the operator, as `GET /attention` counts them.
    package func ordersWaiting() throws -> Int {
        var count = 0
        try connection.forEach(AttentionSource.pendingPlaces, .int(AttentionSource.countMax)) { _ in
            count += 1
            return true
        }
        return count
    }
}
