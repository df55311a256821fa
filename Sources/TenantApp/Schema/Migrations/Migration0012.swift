import SQLite

/// How much of the file each reseller has filled, as the growth of the file is shared among those who write.
enum Migration0012 {
    static let version: Int32 = 12
    static let migration = Migration(version: version, name: "room of resellers", sql: sql)

    private static let sql = """
        CREATE TABLE reseller_room (
            reseller_id INTEGER PRIMARY KEY REFERENCES reseller(id),
            bytes INTEGER NOT NULL
        ) STRICT;
        """
}
