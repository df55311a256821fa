import SQLite

/// Who changed a limit (O2).
enum Migration0027 {
    static let version: Int32 = 27
    static let migration = Migration(version: version, name: "history of limits", sql: sql)

    private static let sql = """
        -- What a key's own limit, or a reseller's, said before a change and says since; where `requests` is null there
        -- was none, or is none.
        CREATE TABLE limit_change (
            id INTEGER PRIMARY KEY,
            key_id INTEGER REFERENCES api_key(id),
            reseller_id INTEGER REFERENCES reseller(id),
            at INTEGER NOT NULL,
            by_key_id INTEGER NOT NULL,
            by_account_id INTEGER NOT NULL,
            request_id BLOB NOT NULL CHECK (length(request_id) = 16),
            old_requests INTEGER,
            old_window INTEGER,
            old_burst INTEGER,
            new_requests INTEGER,
            new_window INTEGER,
            new_burst INTEGER,
            CHECK ((key_id IS NULL) <> (reseller_id IS NULL))
        ) STRICT;
        CREATE INDEX limit_change_by_key ON limit_change (key_id, id) WHERE key_id IS NOT NULL;
        CREATE INDEX limit_change_by_reseller ON limit_change (reseller_id, id) WHERE reseller_id IS NOT NULL;
        CREATE TRIGGER limit_change_is_append_only_update BEFORE UPDATE ON limit_change
            BEGIN SELECT RAISE(ABORT, 'changes of limits are append-only'); END;
        CREATE TRIGGER limit_change_is_append_only_delete BEFORE DELETE ON limit_change
            BEGIN SELECT RAISE(ABORT, 'changes of limits are append-only'); END;
        """
}
