import SQLite

/// Usage by key and hour (O6), and what reports are read from (O14).
enum Migration0024 {
    static let version: Int32 = 24
    static let migration = Migration(version: version, name: "usage and reports", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
