import SQLite

/// People, their roles and states, and links by which they set a password (O13).
enum Migration0019 {
    static let version: Int32 = 19
    static let migration = Migration(version: version, name: "people", sql: sql)

    private static let sql = """
        ALTER TABLE account DROP COLUMN checked;
        ALTER TABLE account ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
            CHECK (state = 'active' OR state = 'disabled');
        ALTER TABLE account ADD COLUMN public_id TEXT;
        ALTER TABLE api_key DROP COLUMN checked;
        PRAGMA ignore_check_constraints=ON;
        UPDATE account SET public_id = 'per_' || lower(hex(randomblob(13)));
        ALTER TABLE account ADD COLUMN checked ANY AS (NULL) VIRTUAL CHECK (
            role BETWEEN 0 AND 3 AND public_id IS NOT NULL);
        ALTER TABLE api_key ADD COLUMN checked ANY AS (NULL) VIRTUAL CHECK (
            role BETWEEN -1 AND 6 AND book BETWEEN 0 AND 1);
        PRAGMA ignore_check_constraints=OFF;
        CREATE UNIQUE INDEX account_by_public_id ON account (public_id);
        -- The tenant's own people, who are few among its resellers.
        CREATE INDEX account_person ON account (id) WHERE reseller_id IS NULL;

        CREATE INDEX api_key_of_person ON api_key (account_id) WHERE reseller_id IS NULL;

        -- Links by which somebody sets a password, once: an invitation (0), or a new password for who has one (1).
        -- An account has one of a kind; a new one takes the place of the one before.
        CREATE TABLE account_link (
            account_id INTEGER NOT NULL REFERENCES account(id),
            kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 1),
            token_hash BLOB NOT NULL UNIQUE,
            expires_at INTEGER NOT NULL,
            used_at INTEGER,
            PRIMARY KEY (account_id, kind)
        ) STRICT, WITHOUT ROWID;
        INSERT OR REPLACE INTO account_link (account_id, kind, token_hash, expires_at, used_at)
            SELECT account_id, 0, token_hash, expires_at, used_at FROM invitation ORDER BY expires_at;
        DROP TABLE invitation;
        """
}
