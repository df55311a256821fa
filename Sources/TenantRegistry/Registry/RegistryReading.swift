import Cryptography
import SQLite

/// Reads the whole registry at start, or what it says of one tenant. A row that cannot be read is left out and told; it
/// takes nothing else with it, and the file of the tenant that it is about is asked instead.
struct RegistryReading {
    let connection: Connection
    /// Nil: every tenant.
    var only: TenantID?

    func snapshot() throws -> RegistrySnapshot {
        var snapshot = RegistrySnapshot()
        try readTenants(&snapshot)
        snapshot.isDueWhole = try connection.row(Self.isDueWhole) { try $0.bool() } ?? false
        try each(Self.neededLog, &snapshot) { row, snapshot in snapshot.neededLog = try row.optionalLogID() }
        try readProviderSecrets(&snapshot)
        try readSignOuts(&snapshot)
        return snapshot
    }

    private func readTenants(_ snapshot: inout RegistrySnapshot) throws {
        var place: [TenantID: Int] = [:]
        let hosts = try readDomains(&snapshot)
        try each(StoredTenant.all, &snapshot) { row, snapshot in
            var stored = try StoredTenant(&row)
            stored.profile.domains = hosts[stored.profile.id] ?? []
            place[stored.profile.id] = snapshot.tenants.count
            snapshot.tenants.append(
                RegistrySnapshot.Tenant(
                    profile: stored.profile, wrappedSecretKey: stored.wrappedSecretKey,
                    wrappedSigningKey: stored.wrappedSigningKey))
        }
        try eachOfTenant(ResellerProjection.all, place, &snapshot) { row, tenant in
            tenant.resellers.append(try ResellerProjection(&row))
            if try row.bool() { tenant.isIncomplete = true }
        }
        var secrets: [TenantID: [Int64: [KeyProjection.Secret]]] = [:]
        try eachOfTenant(KeyProjection.Secret.all, place, &snapshot) { row, tenant in
            guard let keyID = try row.optionalInt() else {
                tenant.isIncomplete = true
                return
            }
            secrets[tenant.profile.id, default: [:]][keyID, default: []].append(try KeyProjection.Secret(&row))
        }
        try eachOfTenant(KeyProjection.all, place, &snapshot) { row, tenant in
            var key = try KeyProjection(&row)
            key.secrets = secrets[tenant.profile.id]?[key.keyID] ?? []
            tenant.keys.append(key)
        }
        try eachOfTenant(Self.due, place, &snapshot) { row, tenant in tenant.due = .known(try row.optionalTime()) }
        try eachOfTenant(UsageTable.marks, place, &snapshot) { row, tenant in
            let (incarnation, sequence) = (try row.optionalInt(), try row.optionalInt())
            if let incarnation, let sequence {
                tenant.meterMark = MeterMark(incarnation: incarnation, sequence: sequence)
            }
        }
        try eachOfTenant(UsageTable.stands, place, &snapshot) { row, tenant in
            let kind: QuotaKind = try row.value()
            tenant.quotaStands[kind] = try QuotaStand(&row)
        }
        try eachOfTenant(UsageTable.backlogs, place, &snapshot) { row, tenant in
            let (held, dead) = (try row.optionalInt(), try row.optionalInt())
            if let held, let dead {
                tenant.backlog = .known(Backlog(held: held, dead: dead))
            } else {
                tenant.backlog = .unknown
            }
        }
    }

    private func readProviderSecrets(_ snapshot: inout RegistrySnapshot) throws {
        try each(ProviderKeyTable.secrets, &snapshot) { row, snapshot in
            snapshot.providerSecrets.append(
                RegistrySnapshot.ProviderSecretRow(
                    hash: try row.digest(), endsAt: try row.optionalTime(), key: try ProviderKey(&row)))
        }
    }

    private func readSignOuts(_ snapshot: inout RegistrySnapshot) throws {
        try each(RegistrySignOutTable.all, &snapshot) { row, snapshot in
            let hash = try row.digest()
            snapshot.signOuts[hash] = try row.time()
        }
    }

    // MARK: Parts of it

    /// What it says of one tenant, with its domains' certificates; nil: nothing.
    static func tenant(
        _ id: TenantID, in connection: Connection
    ) throws -> (row: RegistrySnapshot.Tenant, certificates: [DomainCertificate])? {
        var snapshot = RegistrySnapshot()
        try RegistryReading(connection: connection, only: id).readTenants(&snapshot)
        return snapshot.tenants.first.map { ($0, snapshot.certificates) }
    }

    func providerSecrets() throws -> [RegistrySnapshot.ProviderSecretRow] {
        var snapshot = RegistrySnapshot()
        try readProviderSecrets(&snapshot)
        return snapshot.providerSecrets
    }

    func signOuts() throws -> [Digest: Timestamp] {
        var snapshot = RegistrySnapshot()
        try readSignOuts(&snapshot)
        return snapshot.signOuts
    }

    private static let due = PerTenant("SELECT tenant_id, at FROM due")
    private static let isDueWhole = Statement("SELECT is_whole FROM due_state")
    private static let neededLog = Statement("SELECT needed FROM node_log")
    private static let domains = PerTenant(
        "SELECT tenant_id, host, certificate, wrapped_private_key FROM domain", then: "ORDER BY host")

    private func readDomains(_ snapshot: inout RegistrySnapshot) throws -> [TenantID: [String]] {
        var hosts: [TenantID: [String]] = [:]
        try each(Self.domains, &snapshot) { row, snapshot in
            let (id, host) = (try row.tenantID(), try row.text())
            let (certificate, key) = (try row.optionalText(), try row.optionalBlob())
            hosts[id, default: []].append(host)
            if let certificate, let key {
                snapshot.certificates.append(
                    DomainCertificate(of: id, host: host, certificate: certificate, wrappedPrivateKey: key))
            }
        }
        return hosts
    }

    /// What it says of one tenant itself; nil: nothing.
    static func profile(_ id: TenantID, in connection: Connection) throws -> TenantProfile? {
        let stored = try connection.row(StoredTenant.all.one, .blob(id.bytes), read: StoredTenant.init)
        guard var profile = stored?.profile else { return nil }
        profile.domains = try domainRows(of: id, in: connection).hosts
        return profile
    }

    /// A tenant's host names, and the certificates of those that have one.
    static func domainRows(
        of id: TenantID, in connection: Connection
    ) throws -> (hosts: [String], certificates: [DomainCertificate]) {
        var snapshot = RegistrySnapshot()
        let hosts = try RegistryReading(connection: connection, only: id).readDomains(&snapshot)
        return (hosts[id] ?? [], snapshot.certificates)
    }

    private func each(
        _ statement: PerTenant, _ snapshot: inout RegistrySnapshot,
        _ read: (inout RowReader, inout RegistrySnapshot) throws -> Void
    ) throws {
        guard let only else { return try each(statement.all, &snapshot, read) }
        try connection.forEach(statement.one, .blob(only.bytes)) { row in try Self.take(&row, &snapshot, read) }
    }

    private func each(
        _ statement: Statement, _ snapshot: inout RegistrySnapshot,
        _ read: (inout RowReader, inout RegistrySnapshot) throws -> Void
    ) throws {
        try connection.forEach(statement) { row in try Self.take(&row, &snapshot, read) }
    }

    private static func take(
        _ row: inout RowReader, _ snapshot: inout RegistrySnapshot,
        _ read: (inout RowReader, inout RegistrySnapshot) throws -> Void
    ) throws -> Bool {
        do {
            try read(&row, &snapshot)
        } catch let fault as CorruptRow {
            snapshot.corruptRows.append(fault)
        }
        return true
    }

    /// Rows whose first column is a tenant's id; those of no tenant are passed by.
    private func eachOfTenant(
        _ statement: PerTenant, _ place: [TenantID: Int], _ snapshot: inout RegistrySnapshot,
        _ read: (inout RowReader, inout RegistrySnapshot.Tenant) throws -> Void
    ) throws {
        try each(statement, &snapshot) { row, snapshot in
            guard let place = place[try row.tenantID()] else { return }
            do {
                try read(&row, &snapshot.tenants[place])
            } catch {
                snapshot.tenants[place].isIncomplete = true
                throw error
            }
        }
    }
}

/// A statement over rows of all tenants, and the same over one's.
struct PerTenant: Sendable {
    let all: Statement
    let one: Statement

    init(_ sql: String, by column: String = "tenant_id", then rest: String = "") {
        let before = sql.contains(" WHERE ") ? "AND" : "WHERE"
        all = Statement("\(sql) \(rest)")
        one = Statement("\(sql) \(before) \(column) = ?1 \(rest)")
    }
}

/// A tenant's row.
private struct StoredTenant {
    var profile: TenantProfile
    let wrappedSecretKey: [UInt8]
    let wrappedSigningKey: [UInt8]

    static let columns = Columns<StoredTenant>(
        "id", "slug", "blueprint", "state", "tier", "quota_bytes", "quota_resellers", "quota_keys", "quota_requests",
        "currency", "key_prefix", "owner_email", "created_at", "refundable_until", "ends_at", "ended_at",
        "deletes_at",
        "limit_requests", "limit_window", "limit_burst", "projection_epoch", "incarnation", "requests_month",
        "requests_count", "last_request_at", "wrapped_secret_key", "wrapped_signing_key", "moved_to", "moved_at",
        "moved_from_state", "move_confirmed_at")
    // One without its keys is corrupt, not missing.
    private static let source = "tenant LEFT JOIN tenant_key ON tenant_id = id"
    static let all = PerTenant("SELECT \(columns) FROM \(source)", by: "id")

    init(_ row: inout RowReader) throws {
        profile = TenantProfile(
            id: try row.tenantID(), slug: try row.text(), blueprint: try row.text(), state: try row.value(),
            tier: try row.value(),
            quotaOverrides: QuotaOverrides(
                bytesMax: try row.optionalInt(), resellersMax: try row.optionalInt(), keysMax: try row.optionalInt(),
                requestsMonthlyMax: try row.optionalInt()),
            currency: try row.text(), keyPrefix: try row.text(), ownerEmail: try row.text(), createdAt: try row.time(),
            refundableUntil: try row.time(), endsAt: try row.optionalTime(), endedAt: try row.optionalTime(),
            deletesAt: try row.optionalTime(),
            limit: try row.optionalPolicy(), domains: [], projectionEpoch: try row.int(), incarnation: try row.int(),
            requestsMonth: try row.int(), requestsCount: try row.int(), lastRequestAt: try row.optionalTime())
        wrappedSecretKey = try row.blob()
        wrappedSigningKey = try row.blob()
        profile.move = try Self.move(&row)
    }

    private static func move(_ row: inout RowReader) throws -> TenantMove? {
        let (baseURL, at) = (try row.optionalText(), try row.optionalTime())
        let before = try row.optionalInt()
        let confirmedAt = try row.optionalTime()
        guard let baseURL, let at, let before = before.flatMap({ TenantState(rawValue: $0) }) else { return nil }
        return TenantMove(baseURL: baseURL, at: at, stateBefore: before, confirmedAt: confirmedAt)
    }
}

extension ResellerProjection {
    fileprivate static let columns = Columns<ResellerProjection>(
        "reseller_id", "public_id", "state", "api_access", "limit_requests", "limit_window", "limit_burst",
        // A program that does not know who waits may have changed the state since it was noted.
        "coalesce(is_waiting, 0) AND state = 0")
    /// Last: whether it may wait, and nobody has noted it.
    fileprivate static let all = PerTenant(
        """
        SELECT tenant_id, \(columns), is_waiting IS NULL AND state = 0
        FROM reseller LEFT JOIN reseller_waiting USING (tenant_id, reseller_id)
        """)

    fileprivate init(_ row: inout RowReader) throws {
        resellerID = try row.int()
        publicID = try row.text()
        state = try row.value()
        apiAccess = try row.bool()
        limit = try row.policy()
        isWaiting = try row.bool()
    }
}

extension KeyProjection {
    fileprivate static let columns = Columns<KeyProjection>(
        "key_id", "public_id", "role", "book", "scopes", "reseller_id", "account_id", "is_revoked", "expires_at",
        "limit_requests", "limit_window", "limit_burst", "epoch")
    fileprivate static let all = PerTenant("SELECT tenant_id, \(columns) FROM api_key")

    /// Without its secrets, which are rows of their own.
    fileprivate init(_ row: inout RowReader) throws {
        keyID = try row.int()
        publicID = try row.text()
        role = try row.value()
        book = try row.value()
        scopes = Scopes(rawValue: try row.int())
        resellerID = try row.int()
        accountID = try row.int()
        isRevoked = try row.bool()
        expiresAt = try row.optionalTime()
        limit = try row.optionalPolicy()
        epoch = try row.int()
        secrets = []
    }
}

extension KeyProjection.Secret {
    fileprivate static let all = PerTenant(
        "SELECT tenant_id, key_id, hash, expires_at FROM secret WHERE is_revoked = 0")

    /// Its hash and its end.
    fileprivate init(_ row: inout RowReader) throws {
        self.init(hash: try row.digest(), expiresAt: try row.optionalTime())
    }
}
