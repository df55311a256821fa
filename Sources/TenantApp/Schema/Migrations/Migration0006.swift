import CallKit
import SQLite

/// Fewer pages for an order: each index that begins with a reseller or its account costs every order a page of its own.
/// An account's entries are a chain from the newest back instead, and a reseller's services are found by its orders.
enum Migration0006 {
    static let version: Int32 = 6
    static let migration = Migration(version: version, name: "chained entries", sql: sql)

    private static let sql = """
        ALTER TABLE ledger_account ADD COLUMN last_entry_id INTEGER REFERENCES entry(id);
        -- The entry before it on its account.
        ALTER TABLE entry ADD COLUMN previous_id INTEGER;
        DROP TRIGGER entry_is_append_only_update;
        UPDATE entry SET previous_id =
            (SELECT max(b.id) FROM entry b WHERE b.account_id = entry.account_id AND b.id < entry.id);
        UPDATE ledger_account SET last_entry_id = (SELECT max(id) FROM entry WHERE account_id = ledger_account.id);
        CREATE TRIGGER entry_is_append_only_update BEFORE UPDATE ON entry
            BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
        DROP INDEX entry_by_account;
        DROP INDEX service_by_reseller;
        """
}
