import SQLite

/// What the scheduler asks of a file.
enum Migration0016 {
    static let version: Int32 = 16
    static let migration = Migration(version: version, name: "due work", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
