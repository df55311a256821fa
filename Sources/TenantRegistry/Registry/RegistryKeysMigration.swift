import SQLite

/// The provider's keys with name, role and end, and its log (P8); deletions that can be taken back (P10).
enum RegistryKeysMigration {
    static let migration = Migration(version: 3, name: "provider keys, log, deletions put off", sql: sql)

    private static let sql = """
        ALTER TABLE provider_key RENAME TO provider_key_before;
        CREATE TABLE provider_key (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role = 'admin' OR role = 'read'),
            -- The beginning of the present secret.
            prefix TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER,
            revoked_at INTEGER,
            last_used_at INTEGER
        ) STRICT;
        -- Hashes that open a key; those of revoked keys go.
        CREATE TABLE provider_secret (
            hash BLOB PRIMARY KEY,
            key_id INTEGER NOT NULL REFERENCES provider_key(id),
            created_at INTEGER NOT NULL,
            -- Of one that was rotated out with overlap.
            ends_at INTEGER
        ) STRICT, WITHOUT ROWID;
        INSERT INTO provider_key (public_id, name, role, prefix, created_at, revoked_at)
            SELECT 'pkey_' || lower(hex(randomblob(13))), 'provider', 'admin', display_prefix, created_at, revoked_at
            FROM provider_key_before ORDER BY created_at;
        INSERT INTO provider_secret (hash, key_id, created_at)
            SELECT b.hash, k.id, b.created_at FROM provider_key_before b
            JOIN provider_key k ON k.created_at = b.created_at AND k.prefix = b.display_prefix
            WHERE b.revoked_at IS NULL;
        DROP TABLE provider_key_before;

        -- When the clock erases it, where its deletion was put off.
        ALTER TABLE tenant ADD COLUMN deletes_at INTEGER;

        ALTER TABLE provider_event RENAME TO provider_event_before;
        DROP TRIGGER provider_event_is_append_only_update;
        DROP TRIGGER provider_event_is_append_only_delete;
        CREATE TABLE provider_event (
            seq INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            action TEXT NOT NULL,
            -- NULL where it concerned the whole node.
            tenant_id BLOB,
            slug TEXT,
            -- NULL of lines from before it was kept.
            via TEXT CHECK (via = 'key' OR via = 'control_socket' OR via = 'node'),
            -- As the key was called then.
            key_id TEXT,
            key_name TEXT,
            request_id TEXT NOT NULL,
            detail TEXT NOT NULL DEFAULT ''
        ) STRICT;
        INSERT INTO provider_event (seq, at, action, tenant_id, slug, request_id)
            SELECT seq, at, action, tenant_id, slug, request_id FROM provider_event_before;
        DROP TABLE provider_event_before;
        CREATE TRIGGER provider_event_is_append_only_update BEFORE UPDATE ON provider_event
            BEGIN SELECT RAISE(ABORT, 'provider events are append-only'); END;
        CREATE TRIGGER provider_event_is_append_only_delete BEFORE DELETE ON provider_event
            BEGIN SELECT RAISE(ABORT, 'provider events are append-only'); END;
        """
}
