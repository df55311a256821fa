import Cryptography
import SQLite

/// Writes projections of keys, resellers and owners. On the registry's lane.
struct RegistryWriting {
    let connection: Connection

    func apply(_ change: ProjectionChange, of tenant: TenantID, reviving: Bool = false) throws {
        switch change {
        case .reseller(let reseller): try save(reseller, of: tenant)
        case .key(let key): try save(key, of: tenant, reviving: reviving)
        case .owner(let email):
            try connection.run(
                "UPDATE tenant SET owner_email = ?2 WHERE id = ?1", .blob(tenant.bytes), .text(email))
        }
    }

    private func save(_ reseller: ResellerProjection, of tenant: TenantID) throws {
        try connection.run(
            """
            INSERT INTO reseller (tenant_id, reseller_id, public_id, state, api_access, limit_requests, limit_window,
                limit_burst)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT DO UPDATE SET state = excluded.state, api_access = excluded.api_access,
                limit_requests = excluded.limit_requests, limit_window = excluded.limit_window,
                limit_burst = excluded.limit_burst
            """,
            .blob(tenant.bytes), .integer(reseller.resellerID), .text(reseller.publicID),
            .integer(reseller.state.rawValue), .bool(reseller.apiAccess), .int(reseller.limit.requests),
            .int(reseller.limit.windowSeconds), .int(reseller.limit.burst))
        try connection.run(
            """
            INSERT INTO reseller_waiting (tenant_id, reseller_id, is_waiting) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET is_waiting = excluded.is_waiting
            """,
            .blob(tenant.bytes), .integer(reseller.resellerID), .bool(reseller.isWaiting))
    }

    private func save(_ key: KeyProjection, of tenant: TenantID, reviving: Bool) throws {
        let id = SQLValue.blob(tenant.bytes)
        try connection.run(
            """
            INSERT INTO api_key (tenant_id, key_id, public_id, role, book, scopes, reseller_id, account_id, is_revoked,
                expires_at, limit_requests, limit_window, limit_burst, epoch)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            ON CONFLICT DO UPDATE SET role = excluded.role, scopes = excluded.scopes, is_revoked = excluded.is_revoked,
                expires_at = excluded.expires_at, limit_requests = excluded.limit_requests,
                limit_window = excluded.limit_window, limit_burst = excluded.limit_burst, epoch = excluded.epoch
            """,
            id, .integer(key.keyID), .text(key.publicID), .integer(key.role.rawValue), .integer(key.book.rawValue),
            .integer(key.scopes.rawValue), .integer(key.resellerID), .integer(key.accountID), .bool(key.isRevoked),
            .optional(key.expiresAt?.milliseconds), .optional(key.limit.map { Int64($0.requests) }),
            .optional(key.limit.map { Int64($0.windowSeconds) }), .optional(key.limit.map { Int64($0.burst) }),
            .integer(key.epoch))
        if !reviving {
            try connection.run(
                "UPDATE secret SET is_revoked = 1 WHERE tenant_id = ?1 AND key_id = ?2", id, .integer(key.keyID))
        }
        guard !key.isRevoked else { return }
        for secret in key.secrets {
            try connection.run(
                """
                INSERT INTO secret (hash, tenant_id, key_id, expires_at) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT DO UPDATE SET key_id = excluded.key_id, expires_at = excluded.expires_at, is_revoked = 0
                    WHERE tenant_id = excluded.tenant_id
                """,
                .blob(secret.hash.bytes), id, .integer(key.keyID), .optional(secret.expiresAt?.milliseconds))
        }
    }
}
