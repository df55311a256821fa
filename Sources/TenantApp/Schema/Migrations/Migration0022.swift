import SQLite

/// Stock that was taken out (O9), and a tenant's logo (O12).
enum Migration0022 {
    static let version: Int32 = 22
    static let migration = Migration(version: version, name: "corrected stock and logos", sql: sql)

    private static let sql = """
        -- The picture itself, judged by its bytes. An address elsewhere is no logo any more.
        CREATE TABLE logo (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            kind TEXT NOT NULL CHECK (kind = 'image/png' OR kind = 'image/webp'),
            bytes BLOB NOT NULL,
            name TEXT NOT NULL,
            width INTEGER NOT NULL CHECK (width > 0),
            height INTEGER NOT NULL CHECK (height > 0),
            updated_at INTEGER NOT NULL
        ) STRICT;
        DELETE FROM setting WHERE name = 'logo';

        -- Licences that an operator took out of stock before anybody had them, each as it was; append-only.
        CREATE TABLE licence_withdrawal (
            id INTEGER PRIMARY KEY,
            licence_id INTEGER NOT NULL UNIQUE,
            book INTEGER NOT NULL CHECK (book BETWEEN 0 AND 1),
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            product_id INTEGER NOT NULL REFERENCES product(id),
            key TEXT NOT NULL,
            expires_at INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            at INTEGER NOT NULL,
            key_id INTEGER NOT NULL,
            account_id INTEGER NOT NULL,
            -- The licence that took its place, of another reseller or product; null: none did.
            successor_id INTEGER UNIQUE
        ) STRICT;
        CREATE INDEX licence_withdrawal_by_book ON licence_withdrawal (book, id);
        CREATE TRIGGER licence_withdrawal_is_append_only_update BEFORE UPDATE ON licence_withdrawal
            BEGIN SELECT RAISE(ABORT, 'withdrawals are append-only'); END;
        CREATE TRIGGER licence_withdrawal_is_append_only_delete BEFORE DELETE ON licence_withdrawal
            BEGIN SELECT RAISE(ABORT, 'withdrawals are append-only'); END;
        DROP TRIGGER licence_is_append_only_delete;
        CREATE TRIGGER licence_is_append_only_delete BEFORE DELETE ON licence
            WHEN OLD.assigned_at IS NOT NULL
                OR NOT EXISTS (SELECT 1 FROM licence_withdrawal w WHERE w.licence_id = OLD.id AND w.key = OLD.key)
            BEGIN SELECT RAISE(ABORT, 'licences are kept'); END;

        -- Devices and slots that an operator took out. A slot stays, since a port that had it names it.
        ALTER TABLE port_device ADD COLUMN withdrawn_at INTEGER;
        ALTER TABLE port_slot ADD COLUMN withdrawn_at INTEGER;
        -- A stock of ports on its way in, slot by slot, applied at once.
        CREATE TABLE port_staging (
            import_id INTEGER NOT NULL,
            place INTEGER NOT NULL,
            device TEXT NOT NULL,
            server_ip TEXT NOT NULL,
            http_port INTEGER NOT NULL,
            socks_port INTEGER NOT NULL,
            country_id INTEGER NOT NULL,
            city TEXT,
            carrier TEXT,
            exclusive_capable INTEGER NOT NULL,
            PRIMARY KEY (import_id, place)
        ) STRICT, WITHOUT ROWID;
        """
}
