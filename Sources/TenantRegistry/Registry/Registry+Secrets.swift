package import Cryptography
import SQLite

/// Hashes of keys and sessions: whose each is, and which are to open nothing again.
extension SQLiteRegistry {
    package func reserve(_ hash: Digest, for tenant: TenantID, then: @escaping Done<Void>) {
        write(
            { connection in
                let owner = try connection.row("SELECT tenant_id FROM secret WHERE hash = ?1", .blob(hash.bytes)) {
                    try $0.blob()
                }
                if owner != nil { throw RegistryRefusal.secretTaken }
                try connection.run(
                    "INSERT INTO secret (hash, tenant_id) VALUES (?1, ?2)", .blob(hash.bytes), .blob(tenant.bytes))
            }, then: then)
    }

    package func judge(
        _ hashes: [Digest], for tenant: TenantID, at now: Timestamp,
        then: @escaping Done<(revoked: [Digest], foreign: Bool)>
    ) {
        run(
            writes: false,
            { connection in
                var revoked: [Digest] = []
                var foreign = false
                for hash in hashes {
                    let row = try connection.row(
                        """
                        SELECT s.tenant_id, s.is_revoked AND s.key_id IS NOT NULL
                            OR coalesce(s.expires_at <= ?2, 0) OR EXISTS (
                            SELECT 1 FROM api_key k JOIN reseller r USING (tenant_id, reseller_id)
                            WHERE k.tenant_id = s.tenant_id AND k.key_id = s.key_id AND r.state = 3)
                        FROM secret s WHERE s.hash = ?1
                        """,
                        .blob(hash.bytes), .integer(now.milliseconds)
                    ) { try (tenant: $0.blob(), isRevoked: $0.bool()) }
                    guard let row else { continue }
                    if row.tenant != tenant.bytes { foreign = true }
                    if row.isRevoked { revoked.append(hash) }
                }
                return (revoked, foreign)
            }, then: then)
    }

    /// The tenant goes, and may come back: its keys open nothing until it has, and those that it had revoked, or whose
    /// resellers it had terminated, open nothing again.
    static func forgetSecrets(of tenant: TenantID, _ connection: Connection) throws {
        try connection.run(
            """
            UPDATE secret SET is_revoked = 1 WHERE tenant_id = ?1 AND key_id IN (
                SELECT k.key_id FROM api_key k JOIN reseller r USING (tenant_id, reseller_id)
                WHERE k.tenant_id = ?1 AND r.state = 3)
            """,
            .blob(tenant.bytes))
        try connection.run(
            "UPDATE secret SET is_revoked = 1, key_id = NULL WHERE tenant_id = ?1 AND is_revoked = 0",
            .blob(tenant.bytes))
    }

    package func dropExpiredSessions(at now: Timestamp) {
        write(
            { connection in
                let ended = """
                    SELECT tenant_id, key_id FROM api_key WHERE role >= ?1 AND (is_revoked OR expires_at <= ?2)
                    """
                let values: [SQLValue] = [.integer(KeyRole.ownerSession.rawValue), .integer(now.milliseconds)]
                try connection.run(
                    dynamic: "UPDATE secret SET is_revoked = 1 WHERE (tenant_id, key_id) IN (\(ended))", values)
                try connection.run(dynamic: "DELETE FROM api_key WHERE (tenant_id, key_id) IN (\(ended))", values)
            },
            then: { _ in })
    }
}
