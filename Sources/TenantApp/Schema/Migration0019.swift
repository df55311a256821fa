import SQLite

/// People, their roles, and links to new passwords (O13).
enum Migration0019 {
    static let version: Int32 = 19
    static let migration = Migration(version: version, name: "people", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
