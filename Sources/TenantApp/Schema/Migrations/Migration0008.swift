import SQLite

/// A named endpoint may have two signing secrets for a while, and whoever is signed in can be listed.
enum Migration0008 {
    static let version: Int32 = 8
    static let migration = Migration(version: version, name: "sessions and secrets", sql: sql)

    private static let sql = """
        -- A rotation adds a row and gives the one before an end (O3).
        CREATE TABLE webhook_endpoint_secret_wider (
            id INTEGER PRIMARY KEY,
            endpoint_id INTEGER NOT NULL REFERENCES webhook_endpoint(id),
            sealed BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER
        ) STRICT;
        INSERT INTO webhook_endpoint_secret_wider (endpoint_id, sealed, created_at)
            SELECT endpoint_id, sealed, created_at FROM webhook_endpoint_secret ORDER BY endpoint_id;
        DROP TABLE webhook_endpoint_secret;
        ALTER TABLE webhook_endpoint_secret_wider RENAME TO webhook_endpoint_secret;
        CREATE INDEX webhook_endpoint_secret_by_endpoint ON webhook_endpoint_secret (endpoint_id);
        CREATE INDEX webhook_endpoint_secret_by_end ON webhook_endpoint_secret (expires_at)
            WHERE expires_at IS NOT NULL;

        -- Who is signed in, by account and by end. Sessions of old may have no end.
        CREATE INDEX api_key_session ON api_key (account_id, coalesce(expires_at, 9223372036854775807))
            WHERE role >= 3 AND revoked_at IS NULL;
        CREATE INDEX account_by_reseller ON account (reseller_id) WHERE reseller_id IS NOT NULL;
        """
}
