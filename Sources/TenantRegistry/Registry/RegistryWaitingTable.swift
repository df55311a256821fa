import SQLite

/// Which resellers applied by themselves and wait: they have no place in their tenant's quota (P2, W12). Of one without
/// a row nobody knows: a program that does not know the table made it.
///
/// Not of the registry's schema, as `RegistryBacklogTable`.
enum RegistryWaitingTable {
    static let sql = """
        CREATE TABLE IF NOT EXISTS reseller_waiting (
            tenant_id BLOB NOT NULL,
            reseller_id INTEGER NOT NULL,
            is_waiting INTEGER NOT NULL,
            PRIMARY KEY (tenant_id, reseller_id),
            FOREIGN KEY (tenant_id, reseller_id) REFERENCES reseller ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID;
        """
}
