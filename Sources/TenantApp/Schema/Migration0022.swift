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
        """
}
