import SQLite

/// Entries are found by where they stand (`EntryPlaces`): an index names those that stand elsewhere.
enum Migration0029 {
    static let migration = Migration(version: 29, name: "entries where they stand", sql: sql)

    private static let sql = """
        DROP INDEX entry_by_posting;
        CREATE INDEX entry_by_posting ON entry (posting_id) WHERE posting_id <> (id + 1) / 2;
        """
}
