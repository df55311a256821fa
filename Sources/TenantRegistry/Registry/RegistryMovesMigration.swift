import SQLite

/// Tenants that moved to another node (P10), and deletions that can be taken back.
enum RegistryMovesMigration {
    static let migration = Migration(version: 5, name: "moved tenants", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
