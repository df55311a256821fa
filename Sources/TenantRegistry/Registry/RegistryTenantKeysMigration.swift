import SQLite

/// The wrapped keys of tenants, in a table of their own (B3): what is copied of the registry into an archive leaves it
/// out, since objects of an archive stay, and a tenant's keys go with the tenant.
enum RegistryTenantKeysMigration {
    static let migration = Migration(version: 7, name: "keys of tenants", sql: sql)

    static let keys = "SELECT tenant_id, wrapped_secret_key, wrapped_signing_key FROM tenant_key"

    private static let sql = """
        CREATE TABLE tenant_key (
            tenant_id BLOB PRIMARY KEY REFERENCES tenant(id) ON DELETE CASCADE,
            wrapped_secret_key BLOB NOT NULL,
            wrapped_signing_key BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO tenant_key SELECT id, wrapped_secret_key, wrapped_signing_key FROM tenant;
        ALTER TABLE tenant DROP COLUMN wrapped_secret_key;
        ALTER TABLE tenant DROP COLUMN wrapped_signing_key;
        """
}
