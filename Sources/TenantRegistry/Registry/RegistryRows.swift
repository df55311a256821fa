import Cryptography
import RateLimiter
import SQLite

/// Writes projections of keys and resellers. On the registry's lane.
struct RegistryWriting {
    let connection: Connection

    func apply(_ change: ProjectionChange, of tenant: TenantID, reviving: Bool = false) throws {
        switch change {
        case .reseller(let reseller): try save(reseller, of: tenant)
        case .key(let key): try save(key, of: tenant, reviving: reviving)
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
    }

    private func save(_ key: KeyProjection, of tenant: TenantID, reviving: Bool) throws {
        let id = SQLValue.blob(tenant.bytes)
        try connection.run(
            """
            INSERT INTO api_key (tenant_id, key_id, public_id, role, book, scopes, reseller_id, account_id, is_revoked,
                expires_at, limit_requests, limit_window, limit_burst, epoch)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            ON CONFLICT DO UPDATE SET scopes = excluded.scopes, is_revoked = excluded.is_revoked,
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

/// Reads the whole registry at start.
struct RegistryReading {
    let connection: Connection

    func snapshot() throws -> RegistrySnapshot {
        var snapshot = RegistrySnapshot()
        var place: [TenantID: Int] = [:]
        var hosts: [TenantID: [String]] = [:]
        try connection.forEach("SELECT tenant_id, host, certificate, wrapped_private_key FROM domain ORDER BY host") {
            row in
            guard let id = TenantID(bytes: row.blob(0)) else { return true }
            hosts[id, default: []].append(row.text(1))
            if let certificate = row.optionalText(2), let key = row.optionalBlob(3) {
                snapshot.certificates.append(
                    DomainCertificate(host: row.text(1), certificate: certificate, wrappedPrivateKey: key))
            }
            return true
        }
        try connection.forEach(dynamic: "SELECT \(Self.tenantColumns) FROM tenant") { row in
            guard let profile = profile(&row, hosts: hosts) else { return true }
            place[profile.id] = snapshot.tenants.count
            snapshot.tenants.append(
                RegistrySnapshot.Tenant(
                    profile: profile, wrappedSecretKey: row.blob(23), wrappedSigningKey: row.blob(24)))
            return true
        }
        try connection.forEach(
            """
            SELECT tenant_id, reseller_id, public_id, state, api_access, limit_requests, limit_window, limit_burst
            FROM reseller
            """
        ) { row in
            guard let id = TenantID(bytes: row.blob(0)), let place = place[id],
                let state = ResellerState(rawValue: row.int(3)), let limit = policy(&row, 5)
            else { return true }
            snapshot.tenants[place].resellers.append(
                ResellerProjection(
                    resellerID: row.int(1), publicID: row.text(2), state: state, apiAccess: row.bool(4), limit: limit))
            return true
        }
        var secrets: [TenantID: [Int64: [KeyProjection.Secret]]] = [:]
        try connection.forEach("SELECT hash, tenant_id, key_id, expires_at FROM secret WHERE is_revoked = 0") { row in
            guard let hash = Digest(bytes: row.blob(0)), let id = TenantID(bytes: row.blob(1)), let place = place[id]
            else { return true }
            guard let keyID = row.optionalInt(2) else {
                snapshot.tenants[place].hasDanglingSecret = true
                return true
            }
            secrets[id, default: [:]][keyID, default: []].append(
                KeyProjection.Secret(hash: hash, expiresAt: row.optionalInt(3).map { Timestamp(milliseconds: $0) }))
            return true
        }
        try connection.forEach(
            """
            SELECT tenant_id, key_id, public_id, role, book, scopes, reseller_id, account_id, is_revoked, expires_at,
                limit_requests, limit_window, limit_burst, epoch
            FROM api_key
            """
        ) { row in
            guard let id = TenantID(bytes: row.blob(0)), let place = place[id],
                let role = KeyRole(rawValue: row.int(3)),
                let book = Book(rawValue: row.int(4))
            else { return true }
            snapshot.tenants[place].keys.append(
                KeyProjection(
                    keyID: row.int(1), publicID: row.text(2), role: role, book: book,
                    scopes: Scopes(rawValue: row.int(5)), resellerID: row.int(6), accountID: row.int(7),
                    isRevoked: row.bool(8), expiresAt: row.optionalInt(9).map { Timestamp(milliseconds: $0) },
                    limit: policy(&row, 10), epoch: row.int(13), secrets: secrets[id]?[row.int(1)] ?? []))
            return true
        }
        snapshot.providerKeys = try connection.rows("SELECT hash FROM provider_key WHERE revoked_at IS NULL") {
            Digest(bytes: $0.blob(0))
        }.compactMap { $0 }
        return snapshot
    }

    private static let tenantColumns = """
        id, slug, blueprint, state, tier, quota_bytes, quota_resellers, quota_keys, quota_requests, currency, \
        key_prefix, owner_email, created_at, refundable_until, ends_at, ended_at, limit_requests, limit_window, \
        limit_burst, projection_epoch, requests_month, requests_count, last_request_at, wrapped_secret_key, \
        wrapped_signing_key, incarnation
        """

    /// One tenant's row, without its domains.
    func profile(id: TenantID) throws -> TenantProfile? {
        try connection.row(dynamic: "SELECT \(Self.tenantColumns) FROM tenant WHERE id = ?1", [.blob(id.bytes)]) {
            row in
            profile(&row, hosts: [:])
        } ?? nil
    }

    private func profile(_ row: inout RowReader, hosts: [TenantID: [String]]) -> TenantProfile? {
        guard let id = TenantID(bytes: row.blob(0)), let state = TenantState(rawValue: row.int(3)),
            let tier = Tier(rawValue: row.text(4))
        else { return nil }
        func time(_ column: Int32) -> Timestamp? { row.optionalInt(column).map { Timestamp(milliseconds: $0) } }
        return TenantProfile(
            id: id, slug: row.text(1), blueprint: row.text(2), state: state, tier: tier,
            quotaOverrides: QuotaOverrides(
                bytesMax: row.optionalInt(5), resellersMax: row.optionalInt(6), keysMax: row.optionalInt(7),
                requestsMonthlyMax: row.optionalInt(8)),
            currency: row.text(9), keyPrefix: row.text(10), ownerEmail: row.text(11),
            createdAt: Timestamp(milliseconds: row.int(12)), refundableUntil: Timestamp(milliseconds: row.int(13)),
            endsAt: time(14), endedAt: time(15), limit: policy(&row, 16), domains: hosts[id] ?? [],
            projectionEpoch: row.int(19), incarnation: row.int(25), requestsMonth: row.int(20),
            requestsCount: row.int(21), lastRequestAt: time(22))
    }

    private func policy(_ row: inout RowReader, _ column: Int32) -> Policy? {
        guard let requests = row.optionalInt(column) else { return nil }
        return Policy(
            requests: Int(requests), windowSeconds: Int(row.int(column + 1)), burst: Int(row.int(column + 2)))
    }
}
