import SQLite

/// What the registry keeps from one process to the next: when files are to be asked, and which log they need.
extension SQLiteRegistry {
    package func saveDue(_ rows: [(TenantID, Timestamp?)], isWhole: Bool, then: @escaping Done<Void>) {
        write(
            { connection in
                for (tenant, at) in rows {
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
