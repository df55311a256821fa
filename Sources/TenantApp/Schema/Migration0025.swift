import SQLite

/// What a file that moved to another node says of itself (P10).
enum Migration0025 {
    static let version: Int32 = 25
    static let migration = Migration(version: version, name: "moves", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
