import SQLite

/// Stock that was taken out (O9), and a tenant's logo (O12).
enum Migration0022 {
    static let version: Int32 = 22
    static let migration = Migration(version: version, name: "corrected stock and logos", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
