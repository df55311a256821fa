import SQLite

/// What a reseller tries before its approval (W12).
enum Migration0026 {
    static let version: Int32 = 26
    static let migration = Migration(version: version, name: "sandbox", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
