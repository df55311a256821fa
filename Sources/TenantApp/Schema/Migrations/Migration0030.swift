import SQLite

/// What waits for a webhook knows until when it keeps to its time though its endpoint answers again (H3); an endpoint
/// may limit its calls (H4); and what lies in a file is counted without its endpoints that have nothing (G7).
enum Migration0030 {
    static let version: Int32 = 30
    static let migration = Migration(version: version, name: "times, limits and counts of webhooks", sql: sql)

    private static let sql = """
        -- No earlier than then, whatever its endpoint answers to others: it asked to wait, or the delivery alone fails.
        ALTER TABLE delivery ADD COLUMN not_before INTEGER;
        UPDATE delivery SET not_before = next_at WHERE state = 'pending' AND last_status = 429;
        -- Rows that break an older rule are the verifier's to find.
        PRAGMA ignore_check_constraints=ON;
        ALTER TABLE webhook_endpoint ADD COLUMN max_per_second INTEGER CHECK (max_per_second BETWEEN 1 AND 1000);
        PRAGMA ignore_check_constraints=OFF;
        CREATE INDEX delivery_count_kept ON delivery_count (state, count)
            WHERE (state = 'dead' OR state = 'held') AND count > 0;
        """
}
