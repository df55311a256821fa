import CallKit
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

    package func sessionCount(of owner: SessionOwner, sparingOwner: Bool) throws -> Int64 {
        let (filter, ownerID) = APIKey.sessions(of: owner)
        return try connection.row(
            dynamic: "SELECT count(*) FROM api_key WHERE \(filter)",
            [.time(now), .bool(sparingOwner), .integer(ownerID)]
        ) { try $0.int() } ?? 0
    }

    /// The owner's keys that open something, beside this one.
    package func ownerKeysInForce(beside id: Int64) throws -> Int64 {
        try connection.row(
            """
            SELECT count(*) FROM api_key
            WHERE role = ?1 AND id <> ?2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?3)
            """,
            .integer(KeyRole.owner.rawValue), .integer(id), .time(now)
        ) { try $0.int() } ?? 0
    }
}
