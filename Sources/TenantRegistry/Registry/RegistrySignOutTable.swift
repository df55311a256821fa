import Cryptography
import SQLite

/// Which sessions of the console somebody ended, by the hashes of what browsers keep, until they would have ended by
/// themselves: so that they are over at every node of a cluster (U4, N5).
///
/// Not of the registry's schema, as `RegistryBacklogTable`.
struct RegistrySignOutTable {
    static let sql = """
        CREATE TABLE IF NOT EXISTS console_sign_out (
            hash BLOB PRIMARY KEY,
            ends_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    /// Past that those go first that would have ended soonest. Only whoever has a provider key makes sessions to end.
    static let rowsMax = 10_000

    static let all = Statement("SELECT hash, ends_at FROM console_sign_out")

    let connection: Connection

    func add(_ hash: Digest, endingAt end: Timestamp, at now: Timestamp) throws {
        try connection.run("DELETE FROM console_sign_out WHERE ends_at <= ?1", .integer(now.milliseconds))
        try connection.run(
            "INSERT INTO console_sign_out (hash, ends_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            .blob(hash.bytes), .integer(end.milliseconds))
        try connection.run(
            """
            DELETE FROM console_sign_out WHERE hash IN
                (SELECT hash FROM console_sign_out ORDER BY ends_at DESC LIMIT -1 OFFSET ?1)
            """, .int(Self.rowsMax))
    }
}
