import SQLite

/// What a reseller's ports came to in a period is found by time (X4): renewals say whose port it was. Lists of a book
/// do not go through the other one.
enum Migration0034 {
    static let version: Int32 = 34
    static let migration = Migration(version: version, name: "port sales by time, lists by book", sql: sql)

    private static let sql = """
        CREATE INDEX port_bought ON port (reseller_id, book, created_at);
        -- As its port says, which never changes.
        ALTER TABLE port_renewal ADD COLUMN reseller_id INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE port_renewal ADD COLUMN book INTEGER NOT NULL DEFAULT 0 CHECK (book BETWEEN 0 AND 1);
        DROP TRIGGER port_renewal_is_append_only_update;
        UPDATE port_renewal SET reseller_id = p.reseller_id, book = p.book FROM port p WHERE p.id = port_id;
        CREATE TRIGGER port_renewal_is_append_only_update BEFORE UPDATE ON port_renewal
            BEGIN SELECT RAISE(ABORT, 'renewals of ports are append-only'); END;
        CREATE INDEX port_renewal_by_time ON port_renewal (reseller_id, book, at);
        CREATE INDEX port_slot_in_stock ON port_slot (book, id) WHERE withdrawn_at IS NULL;
        CREATE INDEX port_slot_used ON port_slot (book, id) WHERE port_id IS NOT NULL;
        CREATE INDEX port_slot_unused ON port_slot (book, id) WHERE port_id IS NULL AND withdrawn_at IS NULL;
        CREATE INDEX port_slot_withdrawn ON port_slot (book, id) WHERE withdrawn_at IS NOT NULL;
        CREATE INDEX licence_by_book ON licence (book, id);
        CREATE INDEX credit_event_by_book ON credit_event (book, id);
        """
}
