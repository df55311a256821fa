import Cryptography
import SQLite

/// Which forms of the console's pages were sent, by their hashes: a page that is loaded anew does nothing twice (U1).
///
/// Not of the registry's schema, as `RegistryBacklogTable`.
struct RegistryFormTable {
    static let sql = """
        CREATE TABLE IF NOT EXISTS console_form (
            hash BLOB PRIMARY KEY,
            sent_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    /// As long as a tenant keeps answers (G4).
    static let days: Int64 = 30

    let connection: Connection

    /// False where it has been sent before.
    func take(_ hash: Digest, at now: Timestamp) throws -> Bool {
        try connection.run(
            "DELETE FROM console_form WHERE sent_at <= ?1", .integer(now.adding(days: -Self.days).milliseconds))
        if try connection.exists("SELECT 1 FROM console_form WHERE hash = ?1", .blob(hash.bytes)) { return false }
        try connection.run(
            "INSERT INTO console_form (hash, sent_at) VALUES (?1, ?2)", .blob(hash.bytes), .integer(now.milliseconds))
        return true
    }

    func forget(_ hash: Digest) throws {
        try connection.run("DELETE FROM console_form WHERE hash = ?1", .blob(hash.bytes))
    }
}
