import SQLite

/// Usage tells 401, 403 and 429 apart, and counts other refusals (O6). Of days before, `refusals` has the three
/// together.
enum Migration0009 {
    static let version: Int32 = 9
    static let migration = Migration(version: version, name: "refusals apart", sql: sql)

    private static let sql = """
        -- `status` is 401, 403 or 429, or 0 for every other from 400 on.
        CREATE TABLE usage_refusal (
            day INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL,
            action TEXT NOT NULL,
            status INTEGER NOT NULL CHECK (status IN (0, 401, 403, 429)),
            count INTEGER NOT NULL,
            PRIMARY KEY (day, reseller_id, action, status)
        ) STRICT, WITHOUT ROWID;
        """
}
