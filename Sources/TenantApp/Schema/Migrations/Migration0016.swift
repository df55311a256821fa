import SQLite

/// What the scheduler asks of a file: ports that are renewed (X5), and what waits for a person after a restore (P3).
enum Migration0016 {
    static let version: Int32 = 16
    static let migration = Migration(version: version, name: "due work", sql: sql)

    private static let sql = """
        -- Days that a port was given before its end; append-only. Its first days are in its own row.
        CREATE TABLE port_renewal (
            id INTEGER PRIMARY KEY,
            port_id INTEGER NOT NULL REFERENCES port(id),
            days INTEGER NOT NULL CHECK (days > 0),
            base_price INTEGER NOT NULL,
            cost INTEGER NOT NULL CHECK (cost >= 0),
            reseller_price INTEGER NOT NULL,
            posting_id INTEGER NOT NULL REFERENCES posting(id),
            key_id INTEGER NOT NULL,
            at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX port_renewal_by_port ON port_renewal (port_id);
        CREATE TRIGGER port_renewal_is_append_only_update BEFORE UPDATE ON port_renewal
            BEGIN SELECT RAISE(ABORT, 'renewals of ports are append-only'); END;
        CREATE TRIGGER port_renewal_is_append_only_delete BEFORE DELETE ON port_renewal
            BEGIN SELECT RAISE(ABORT, 'renewals of ports are append-only'); END;

        -- Since when nothing leaves the file until its operator says so: it was taken back from the past, and what it
        -- would send may have been sent already (P3). NULL: nothing waits for that.
        ALTER TABLE meta ADD COLUMN outbound_held_at INTEGER;
        """
}
