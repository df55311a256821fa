import SQLite

/// Tenants that moved to another node (P10).
enum RegistryMovesMigration {
    static let migration = Migration(version: 5, name: "moved tenants", sql: sql)

    private static let sql = """
        -- Where a tenant lives now, and what it was before it went: all of it or nothing.
        ALTER TABLE tenant ADD COLUMN moved_to TEXT;
        ALTER TABLE tenant ADD COLUMN moved_at INTEGER;
        ALTER TABLE tenant ADD COLUMN moved_from_state INTEGER;
        ALTER TABLE tenant ADD COLUMN move_confirmed_at INTEGER;
        """
}
