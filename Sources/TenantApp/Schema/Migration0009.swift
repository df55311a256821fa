import SQLite

/// Usage tells 401, 403 and 429 apart, and counts other refusals (O6). Of days before, `refusals` has the three together.
enum Migration0009 {
    static let version: Int32 = 9
    static let migration = Migration(version: version, name: "refusals apart", sql: sql)

    private static let sql = """
        ALTER TABLE usage ADD COLUMN unauthorized INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE usage ADD COLUMN forbidden INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE usage ADD COLUMN rate_limited INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE usage ADD COLUMN other_refusals INTEGER NOT NULL DEFAULT 0;
        """
}
