import SQLite

/// From which schema on the chain vouches for each row of accounts, keys, limits, resellers, prices and settings, and
/// for what else changes (0025): at the first opening with another schema all of them are told anew.
enum Migration0010 {
    static let version: Int32 = 10
    static let migration = Migration(version: version, name: "vouched rows", sql: sql)

    private static let sql = """
        ALTER TABLE meta ADD COLUMN vouched_version INTEGER NOT NULL DEFAULT 0;
        """
}
