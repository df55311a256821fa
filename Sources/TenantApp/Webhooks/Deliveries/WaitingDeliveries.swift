import SQLite

extension AttentionSource {
    /// Deliveries that were given up.
    static let deadDeliveries = AttentionSource(
        kind: "deliveries_dead", link: "/api/admin/deliveries?status=dead",
        rows: Statement(
            """
            SELECT d.public_id, d.updated_at, r.public_id, d.last_outcome
            FROM delivery d CROSS JOIN webhook_endpoint w ON w.id = d.endpoint_id
                CROSS JOIN reseller r ON r.id = w.reseller_id
            WHERE (d.state = 'dead' OR d.state = 'held') AND d.state = 'dead' AND d.book = 0
            ORDER BY d.updated_at LIMIT ?1
            """),
        places: Statement("SELECT 1 FROM delivery WHERE state = 'dead' AND book = 0 LIMIT ?1"))

    /// Endpoints that are still called, and have answered with nothing but failures of late (H3).
    static let failingEndpoints = AttentionSource(
        kind: "webhooks_failing", link: "/api/admin/webhooks?failing=true",
        rows: Statement(
            """
            SELECT w.public_id, h.failing_since, r.public_id, NULL
            FROM endpoint_health h CROSS JOIN webhook_endpoint w ON w.id = h.endpoint_id
                CROSS JOIN reseller r ON r.id = w.reseller_id
            WHERE \(EndpointHealth.isFailing) AND w.state = 'active' AND w.removed_at IS NULL AND w.book = 0
            ORDER BY h.failing_since, w.id LIMIT ?1
            """),
        places: Statement(
            """
            SELECT 1 FROM endpoint_health h CROSS JOIN webhook_endpoint w ON w.id = h.endpoint_id
            WHERE \(EndpointHealth.isFailing) AND w.state = 'active' AND w.removed_at IS NULL AND w.book = 0 LIMIT ?1
            """))

    /// Endpoints that nothing is sent to any more, through no wish of anybody (H3).
    static let disabledEndpoints = AttentionSource(
        kind: "webhooks_disabled", link: "/api/admin/webhooks?state=disabled",
        rows: Statement(
            """
            SELECT w.public_id, w.disabled_at, r.public_id, w.disabled_reason
            FROM webhook_endpoint w CROSS JOIN reseller r ON r.id = w.reseller_id
            WHERE w.state = 'disabled' AND w.removed_at IS NULL AND w.book = 0
                AND (w.disabled_reason = 'gone' OR w.disabled_reason = 'failing')
            ORDER BY w.disabled_at, w.id LIMIT ?1
            """),
        places: Statement(
            """
            SELECT 1 FROM webhook_endpoint WHERE state = 'disabled' AND removed_at IS NULL AND book = 0
                AND (disabled_reason = 'gone' OR disabled_reason = 'failing') LIMIT ?1
            """))
}
