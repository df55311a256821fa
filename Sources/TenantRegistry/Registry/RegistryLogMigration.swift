import SQLite

/// Whether tenants' files need the node's log to be whole (B1). Its number also keeps programs out that know no log:
/// they would read files that are behind it.
enum RegistryLogMigration {
    static let migration = Migration(version: 6, name: "the node's log", sql: sql)

    private static let sql = """
        -- The log that files may need, by its id: from before its first commit until every file has all of it.
        CREATE TABLE node_log (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            needed BLOB CHECK (length(needed) = 16)
        ) STRICT;
        INSERT INTO node_log VALUES (1, NULL);
        """
}

extension LogID {
    var bytes: [UInt8] { TenantID(high: high, low: low).bytes }

    init?(bytes: [UInt8]) {
        guard let halves = TenantID(bytes: bytes) else { return nil }
        self.init(high: halves.high, low: halves.low)
    }
}

extension RowReader {
    mutating func optionalLogID() throws -> LogID? {
        guard isNextNull else { return try blob(as: LogID.init(bytes:)) }
        skip(1)
        return nil
    }
}
