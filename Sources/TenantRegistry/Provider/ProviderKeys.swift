package import Cryptography
import SQLite

/// What a provider key opens (P8).
package enum ProviderRole: String, Sendable, CaseIterable {
    /// Everything.
    case admin
    /// Tenants, usage and the log: what changes nothing and hands nothing out.
    case read
}

/// A provider key's row in the registry. Its secrets are rows of their own: a rotation adds one, all else stays.
package struct ProviderKey: Sendable {
    package let id: Int64
    package let publicID: String
    package let name: String
    package let role: ProviderRole
    /// The beginning of its present secret.
    package let prefix: String
    package let createdAt: Timestamp
    package let expiresAt: Timestamp?
    package let revokedAt: Timestamp?
    /// As it was last saved: memory knows later ones.
    package var lastUsedAt: Timestamp?

    static let columns = Columns<ProviderKey>(
        "id", "public_id", "name", "role", "prefix", "created_at", "expires_at", "revoked_at", "last_used_at")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        name = try row.text()
        role = try row.value()
        prefix = try row.text()
        createdAt = try row.time()
        expiresAt = try row.optionalTime()
        revokedAt = try row.optionalTime()
        lastUsedAt = try row.optionalTime()
    }
}

/// A provider key that is about to be made.
package struct NewProviderKey: Sendable {
    package let publicID: String
    package let name: String
    package let role: ProviderRole
    package let expiresAt: Timestamp?
    package let secret: ProviderSecret

    package init(
        publicID: String, name: String, role: ProviderRole, expiresAt: Timestamp?, secret: ProviderSecret
    ) {
        self.publicID = publicID
        self.name = name
        self.role = role
        self.expiresAt = expiresAt
        self.secret = secret
    }
}

/// What the registry keeps of a provider key's text.
package struct ProviderSecret: Sendable {
    package let hash: Digest
    package let prefix: String

    package init(_ key: String) {
        hash = SHA256.hash(Array(key.utf8))
        prefix = APIKeyFormat.displayPrefix(key)
    }
}

/// Which of the provider's keys open anything: as the rows have it, within the transaction that asks.
package protocol ProviderKeyRows {
    func isLive(_ hash: Digest, at now: Timestamp) throws -> Bool
}

/// The rows of provider keys. On the registry's lane, or at its start.
struct ProviderKeyTable: ProviderKeyRows {
    let connection: Connection

    /// Keys that open something: more would be a script gone wild.
    static let keysMax: Int64 = 200

    private static let live = Statement(
        """
        SELECT 1 FROM provider_secret s JOIN provider_key k ON k.id = s.key_id
        WHERE s.hash = ?1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?2)
            AND (s.ends_at IS NULL OR s.ends_at > ?2)
        """)
    private static let page = Statement(
        "SELECT \(ProviderKey.columns) FROM provider_key WHERE id > ?1 ORDER BY id LIMIT ?2")
    private static let byPublicID = Statement(
        "SELECT \(ProviderKey.columns) FROM provider_key WHERE public_id = ?1")
    private static let inForce = Statement(
        """
        SELECT count(*) FROM provider_key
        WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?1) AND (?2 IS NULL OR role = ?2)
            AND id <> ?3
        """)
    /// Which secrets open which keys, for memory.
    static let secrets = Statement(
        """
        SELECT s.hash, s.ends_at, \(ProviderKey.columns.of("k"))
        FROM provider_secret s JOIN provider_key k ON k.id = s.key_id WHERE k.revoked_at IS NULL
        """)

    func isLive(_ hash: Digest, at now: Timestamp) throws -> Bool {
        try connection.row(Self.live, .blob(hash.bytes), .integer(now.milliseconds)) { _ in true } ?? false
    }

    func page(after id: Int64, limit: Int) throws -> [ProviderKey] {
        try connection.rows(Self.page, .integer(id), .int(limit), read: ProviderKey.init)
    }

    func key(_ publicID: String) throws -> ProviderKey? {
        try connection.row(Self.byPublicID, .text(publicID), read: ProviderKey.init)
    }

    /// Those that open something now, besides one; of one role where it is given.
    private func inForce(at now: Timestamp, role: ProviderRole?, but id: Int64) throws -> Int64 {
        try connection.row(
            Self.inForce, .integer(now.milliseconds), .optional(role?.rawValue), .integer(id)
        ) { try $0.int() } ?? 0
    }

    func add(_ new: NewProviderKey, at now: Timestamp, revokingOthers: Bool) throws -> ProviderKey {
        if revokingOthers {
            try connection.run(
                "UPDATE provider_key SET revoked_at = ?1 WHERE revoked_at IS NULL", .integer(now.milliseconds))
            try connection.run("DELETE FROM provider_secret")
        }
        guard try inForce(at: now, role: nil, but: 0) < Self.keysMax else {
            throw RegistryRefusal.tooManyProviderKeys(Self.keysMax)
        }
        try connection.run(
            """
            INSERT INTO provider_key (public_id, name, role, prefix, created_at, expires_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """,
            .text(new.publicID), .text(new.name), .text(new.role.rawValue), .text(new.secret.prefix),
            .integer(now.milliseconds), .optional(new.expiresAt?.milliseconds))
        try insert(new.secret, of: connection.lastInsertedRowID, at: now)
        return try known(new.publicID)
    }

    /// Another secret for the key. The present one ends after the overlap; one that a rotation before left is dead.
    func rotate(
        _ publicID: String, to secret: ProviderSecret, overlapSeconds: Int64, at now: Timestamp
    ) throws -> ProviderKey {
        let key = try standing(publicID)
        // Another secret would be dead as well.
        if let end = key.expiresAt, now >= end { throw RegistryRefusal.providerKeyExpired }
        let id = SQLValue.integer(key.id)
        try connection.run(
            "DELETE FROM provider_secret WHERE key_id = ?1 AND (?2 = 0 OR ends_at IS NOT NULL)", id,
            .integer(overlapSeconds))
        try connection.run(
            "UPDATE provider_secret SET ends_at = ?2 WHERE key_id = ?1", id,
            .integer(now.adding(seconds: overlapSeconds).milliseconds))
        try connection.run("UPDATE provider_key SET prefix = ?2 WHERE id = ?1", id, .text(secret.prefix))
        try insert(secret, of: key.id, at: now)
        return try known(publicID)
    }

    /// `sparingLastAdmin`: whoever comes over the network does not lock everybody out (P8).
    func revoke(_ publicID: String, sparingLastAdmin: Bool, at now: Timestamp) throws -> ProviderKey {
        let key = try standing(publicID)
        if sparingLastAdmin, key.role == .admin, key.expiresAt.map({ $0 > now }) ?? true,
            try inForce(at: now, role: .admin, but: key.id) == 0
        {
            throw RegistryRefusal.lastAdminKey
        }
        try connection.run(
            "UPDATE provider_key SET revoked_at = ?2 WHERE id = ?1", .integer(key.id), .integer(now.milliseconds))
        try connection.run("DELETE FROM provider_secret WHERE key_id = ?1", .integer(key.id))
        return try known(publicID)
    }

    func saveLastUses(_ uses: [(id: Int64, at: Timestamp)]) throws {
        for use in uses {
            try connection.run(
                "UPDATE provider_key SET last_used_at = ?2 WHERE id = ?1", .integer(use.id),
                .integer(use.at.milliseconds))
        }
    }

    private func standing(_ publicID: String) throws -> ProviderKey {
        let key = try known(publicID)
        guard key.revokedAt == nil else { throw RegistryRefusal.providerKeyRevoked }
        return key
    }

    private func known(_ publicID: String) throws -> ProviderKey {
        guard let key = try key(publicID) else { throw RegistryRefusal.unknownProviderKey }
        return key
    }

    private func insert(_ secret: ProviderSecret, of key: Int64, at now: Timestamp) throws {
        try connection.run(
            "INSERT INTO provider_secret (hash, key_id, created_at) VALUES (?1, ?2, ?3)", .blob(secret.hash.bytes),
            .integer(key), .integer(now.milliseconds))
    }
}
