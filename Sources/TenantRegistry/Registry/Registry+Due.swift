import SQLite

/// What the registry keeps from one process to the next: how many requests a month had, when files are to be asked, and
/// which log they need.
extension SQLiteRegistry {
    package func saveCounters(
        _ counters: [(TenantID, month: Int64, count: Int64, last: Timestamp?)], then: @escaping Done<Void>
    ) {
        write(
            { [self] connection in
                for (tenant, month, count, last) in counters {
                    guard try isOwn(tenant) else { continue }
                    try connection.run(
                        "UPDATE tenant SET requests_month = ?2, requests_count = ?3, last_request_at = ?4 WHERE id = ?1",
                        .blob(tenant.bytes), .integer(month), .integer(count), .optional(last?.milliseconds))
                }
            }, then: then)
    }

    package func saveDue(_ rows: [(TenantID, Timestamp?)], isWhole: Bool, then: @escaping Done<Void>) {
        write(
            { [self] connection in
                for (tenant, at) in rows {
                    guard try isOwn(tenant) else { continue }
                    try connection.run(
                        """
                        INSERT INTO due (tenant_id, at) SELECT id, ?2 FROM tenant WHERE id = ?1
                        ON CONFLICT DO UPDATE SET at = excluded.at
                        """,
                        .blob(tenant.bytes), .optional(at?.milliseconds))
                }
                if isWhole { try connection.run("UPDATE due_state SET is_whole = 1") }
            }, then: then)
    }

    package func noteLog(needed: LogID?, then: @escaping Done<Void>) {
        write({ try $0.run("UPDATE node_log SET needed = ?1", .optional(needed?.bytes)) }, then: then)
    }
}
