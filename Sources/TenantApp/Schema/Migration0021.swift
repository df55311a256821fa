import SQLite

/// List prices, who changed which price, and products from a file (O4).
enum Migration0021 {
    static let version: Int32 = 21
    static let migration = Migration(version: version, name: "list prices and price history", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
