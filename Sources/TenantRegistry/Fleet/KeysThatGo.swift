import Cryptography
import SQLite

/// What the file that a restore replaces says of its keys: what has ended in it stays ended (P5, G3).
struct KeysThatGo {
    /// Of keys that are revoked, or whose holder is gone.
    private var revoked: [Digest] = []
    /// Of each key, by its public id: the secrets that it has, and the end that a rotation gave one of them.
    private var secrets: [String: [Digest: Timestamp?]] = [:]

    /// Of a file that is not there: nothing has ended.
    init() {}

    /// Throws what SQLite refuses, and `CorruptRow`.
    init(of connection: Connection) throws {
        revoked = try connection.rows(
            """
            SELECT s.hash FROM api_key_secret s JOIN api_key k ON k.id = s.key_id
                LEFT JOIN account a ON a.id = k.account_id LEFT JOIN reseller r ON r.id = k.reseller_id
            WHERE k.revoked_at IS NOT NULL OR r.state = 3 OR (r.id IS NULL AND a.state = 'disabled')
            """
        ) { try $0.digest() }
        let keys = try connection.rows("SELECT public_id FROM api_key") { try $0.text() }
        for key in keys { secrets[key] = [:] }
        let rows = try connection.rows(
            """
            SELECT k.public_id, s.hash, s.expires_at FROM api_key_secret s JOIN api_key k ON k.id = s.key_id
            """
        ) { try (key: $0.text(), hash: $0.digest(), end: $0.optionalTime()) }
        for row in rows { secrets[row.key, default: [:]].updateValue(row.end, forKey: row.hash) }
    }

    /// Ends the same in the file that takes the place: a secret that its key has no more goes, and one that has an end
    /// by now keeps it. Keys that this file does not know are left alone.
    func end(in new: Connection) throws {
        for hash in revoked { try Self.remove(hash, new) }
        let rows = try new.rows(
            "SELECT k.public_id, s.hash FROM api_key_secret s JOIN api_key k ON k.id = s.key_id"
        ) { try (key: $0.text(), hash: $0.digest()) }
        for row in rows {
            guard let known = secrets[row.key] else { continue }
            guard let standing = known[row.hash] else {
                try Self.remove(row.hash, new)
                continue
            }
            guard let end = standing else { continue }
            try new.run(
                """
                UPDATE api_key_secret SET expires_at = ?2
                WHERE hash = ?1 AND (expires_at IS NULL OR expires_at > ?2)
                """,
                .blob(row.hash.bytes), .integer(end.milliseconds))
        }
    }

    private static func remove(_ hash: Digest, _ connection: Connection) throws {
        try connection.run("DELETE FROM api_key_secret WHERE hash = ?1", .blob(hash.bytes))
    }
}
