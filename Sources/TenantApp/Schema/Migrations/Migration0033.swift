import SQLite

/// A restore takes no revision back (H7, 0065): where one was, and from which number on every object's count went on.
enum Migration0033 {
    static let version: Int32 = 33
    static let migration = Migration(version: version, name: "revisions after a restore", sql: sql)

    private static let sql = """
        CREATE TABLE revision_floor (
            id INTEGER PRIMARY KEY,
            -- The last event of the file that was taken back; 0: it had none.
            event_id INTEGER NOT NULL CHECK (event_id >= 0),
            -- What every object's revision was raised to, above all that was ever sent.
            revision INTEGER NOT NULL CHECK (revision > 0)
        ) STRICT;
        """
}
