import SQLite

extension AttentionSource {
    /// What a provisioner did not do in all its tries: a person has to (W13).
    static let stuckProvisionings = AttentionSource(
        kind: "provisioning_stuck", link: "/api/admin/provisioning/queue?state=stuck",
        rows: Statement(
            """
            SELECT s.public_id, p.since, r.public_id, p.verb
            FROM (
                SELECT service_id, since, verb FROM provisioning
                WHERE phase = 'stuck' AND book = 0 LIMIT \(AttentionSource.countMax)
            ) p CROSS JOIN service s ON s.id = p.service_id CROSS JOIN reseller r ON r.id = s.reseller_id
            ORDER BY p.since, p.service_id LIMIT ?1
            """),
        places: Statement("SELECT 1 FROM provisioning WHERE phase = 'stuck' AND book = 0 LIMIT ?1"))
}
