import SQLite

/// How many webhooks of each tenant wait for somebody (G7).
///
/// Not of the registry's schema: a program that does not know the table leaves it alone, and nodes of a cluster that
/// are upgraded one after the other have one registry.
enum RegistryBacklogTable {
    static let sql = """
        -- Null where the file has changed since it was counted.
        CREATE TABLE IF NOT EXISTS delivery_backlog (
            tenant_id BLOB PRIMARY KEY REFERENCES tenant(id) ON DELETE CASCADE,
            held INTEGER,
            dead INTEGER
        ) STRICT, WITHOUT ROWID;
        """
}
