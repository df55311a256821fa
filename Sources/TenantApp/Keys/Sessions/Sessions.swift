import CallKit
package import Cryptography
import SQLite
package import TenantRegistry

/// Whose sessions: those who are signed in, with a token or with a dashboard's credential (O13).
package enum SessionOwner: Sendable {
    case account(Int64)
    case reseller(Int64)
    case everybody
}

extension APIKey {
    /// In force: neither ended nor past its end. `?1`: now; `?2`: true where the owner's are left out.
    private static let isOpen = """
        role >= 3 AND revoked_at IS NULL AND coalesce(expires_at, 9223372036854775807) > ?1 AND (NOT ?2 OR role <> 3)
        """

    fileprivate static func sessions(of owner: SessionOwner) -> (filter: String, id: Int64) {
        switch owner {
        case .account(let id): ("account_id = ?3 AND \(isOpen)", id)
        case .reseller(let id):
            ("account_id IN (SELECT id FROM account WHERE reseller_id = ?3) AND reseller_id = ?3 AND \(isOpen)", id)
        case .everybody: ("?3 = 0 AND \(isOpen)", 0)
        }
    }
}

extension TenantReader {
    /// Sessions in force, newest first.
    package func sessions(
        of owner: SessionOwner, sparingOwner: Bool, before id: Int64, limit: Int
    ) throws -> [APIKey] {
        let (filter, ownerID) = APIKey.sessions(of: owner)
        return try connection.rows(
            dynamic: "SELECT \(APIKey.columns) FROM api_key WHERE \(filter) AND id < ?4 ORDER BY id DESC LIMIT ?5",
            [.time(now), .bool(sparingOwner), .integer(ownerID), .integer(id), .int(limit)], read: APIKey.init)
    }

    /// The one that this secret opens.
    package func openSession(secretHash: Digest) throws -> APIKey? {
        let id = try connection.row(
            "SELECT key_id FROM api_key_secret WHERE hash = ?1", .blob(secretHash.bytes)
        ) { try $0.int() }
        guard let key = try id.flatMap({ try key(id: $0) }), key.role.isSession, key.revokedAt == nil else {
            return nil
        }
        return key
    }

    package func sessionCount(of owner: SessionOwner, sparingOwner: Bool) throws -> Int64 {
        let (filter, ownerID) = APIKey.sessions(of: owner)
        return try connection.row(
            dynamic: "SELECT count(*) FROM api_key WHERE \(filter)",
            [.time(now), .bool(sparingOwner), .integer(ownerID)]
        ) { try $0.int() } ?? 0
    }

    /// Whether an owner can still come in, by a password or by a key, besides this account and this key.
    package func hasOwner(besideAccount account: Int64 = 0, besideKey key: Int64 = 0) throws -> Bool {
        try connection.row(
            """
            SELECT 1 FROM account a
            WHERE a.reseller_id IS NULL AND a.role = 0 AND a.state = 'active' AND a.id <> ?1
                AND (a.password_hash IS NOT NULL OR EXISTS (
                    SELECT 1 FROM api_key k
                    WHERE k.account_id = a.id AND k.reseller_id IS NULL AND k.role = ?2 AND k.id <> ?3
                        AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?4)))
            LIMIT 1
            """,
            .integer(account), .integer(KeyRole.owner.rawValue), .integer(key), .time(now)
        ) { try $0.int() } != nil
    }
}
