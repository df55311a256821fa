import Cryptography
import SQLite

/// What the file that a restore replaces says of its keys: what has ended in it stays ended, and what is in force goes
/// on (P5, G3).
struct KeysThatGo {
    /// Of keys that are revoked, or whose holder is gone.
    private var revoked: [Digest] = []
    /// Of each key, by its public id: the secrets that it has.
    private var secrets: [String: [Digest: Secret]] = [:]
    /// How each key's newest secret begins and ends, as lists show it.
    private var shown: [String: (prefix: String, suffix: String?)] = [:]

    private struct Secret {
        let createdAt: Int64
        /// The end that a rotation or the key itself gives it.
        let expiresAt: Int64?
    }

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
        let keys = try connection.rows("SELECT public_id, display_prefix, display_suffix FROM api_key") {
            try (publicID: $0.text(), prefix: $0.text(), suffix: $0.optionalText())
        }
        for key in keys {
            secrets[key.publicID] = [:]
            shown[key.publicID] = (key.prefix, key.suffix)
        }
        let rows = try connection.rows(
            """
            SELECT k.public_id, s.hash, s.created_at, s.expires_at
            FROM api_key_secret s JOIN api_key k ON k.id = s.key_id
            """
        ) { try (key: $0.text(), hash: $0.digest(), createdAt: $0.int(), expiresAt: $0.optionalInt()) }
        for row in rows {
            secrets[row.key, default: [:]][row.hash] = Secret(createdAt: row.createdAt, expiresAt: row.expiresAt)
        }
    }

    /// Has keys that both files know keep the secrets that they have here, in the file that takes the place: a secret
    /// that its key has no more goes, one that has an end by now keeps it, and one that came since comes along. Keys
    /// that this file does not know are left alone.
    func carry(into new: Connection) throws {
        for hash in revoked { try Self.remove(hash, new) }
        let rows = try new.rows(
            "SELECT k.public_id, s.hash FROM api_key_secret s JOIN api_key k ON k.id = s.key_id"
        ) { try (key: $0.text(), hash: $0.digest()) }
        for row in rows where secrets[row.key].map({ $0[row.hash] == nil }) ?? false { try Self.remove(row.hash, new) }
        let keys = try new.rows("SELECT id, public_id FROM api_key WHERE revoked_at IS NULL") {
            try (id: $0.int(), publicID: $0.text())
        }
        let gone = Set(revoked)
        for key in keys {
            guard let now = shown[key.publicID] else { continue }
            try new.run(
                "UPDATE api_key SET display_prefix = ?2, display_suffix = ?3 WHERE id = ?1", .integer(key.id),
                .text(now.prefix), .optional(now.suffix))
            for (hash, secret) in secrets[key.publicID] ?? [:] where !gone.contains(hash) {
                try new.run(
                    """
                    INSERT INTO api_key_secret (hash, key_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)
                    ON CONFLICT (hash) DO UPDATE SET expires_at = ?4 WHERE expires_at IS NOT ?4
                    """,
                    .blob(hash.bytes), .integer(key.id), .integer(secret.createdAt), .optional(secret.expiresAt))
            }
        }
    }

    private static func remove(_ hash: Digest, _ connection: Connection) throws {
        try connection.run("DELETE FROM api_key_secret WHERE hash = ?1", .blob(hash.bytes))
    }
}
