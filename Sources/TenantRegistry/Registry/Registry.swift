package import Cryptography
package import SQLite

/// What the registry holds at start: every tenant, key and reseller, for the roster.
package struct RegistrySnapshot {
    package struct Tenant {
        package let profile: TenantProfile
        package let wrappedSecretKey: [UInt8]
        package let wrappedSigningKey: [UInt8]
        /// A hash was reserved and no key followed (a crash between the two), a row cannot be read, or nobody noted
        /// which of its resellers wait: its file has to be asked.
        package var isIncomplete = false
        package var due = RegisteredDue.unknown
        /// Up to which row of its chain its use was counted; nil where it never was.
        package var meterMark: MeterMark?
        package var quotaStands: [QuotaKind: QuotaStand] = [:]
        package var backlog = RegisteredBacklog.known(Backlog())
        package var resellers: [ResellerProjection] = []
        package var keys: [KeyProjection] = []
    }

    package var tenants: [Tenant] = []
    /// What cannot be read and was left out.
    package var corruptRows: [CorruptRow] = []
    package var providerSecrets: [ProviderSecretRow] = []
    /// Sessions of the console that somebody ended, and when they would have ended by themselves.
    package var signOuts: [Digest: Timestamp] = [:]
    package var certificates: [DomainCertificate] = []
    /// The process before this one stopped in order: no row of what falls due is too late.
    package var isDueWhole = false
    /// The log that files may lack something of (B1).
    package var neededLog: LogID?
}

extension RegistrySnapshot {
    /// A secret of a provider key that was not revoked.
    package struct ProviderSecretRow: Sendable {
        package let hash: Digest
        package let endsAt: Timestamp?
        package let key: ProviderKey
    }
}

/// What the registry knows of when a tenant's file is to be asked.
package enum RegisteredDue: Sendable {
    /// It was never asked.
    case unknown
    /// Nil: nothing waits in it.
    case known(Timestamp?)
}

/// A custom domain's certificate chain and private key, PEM; the key is wrapped by the master key, for its tenant.
package struct DomainCertificate: Sendable, Equatable {
    package let tenant: TenantID
    package let host: String
    package let certificate: String
    package let wrappedPrivateKey: [UInt8]

    package init(of tenant: TenantID, host: String, certificate: String, wrappedPrivateKey: [UInt8]) {
        self.tenant = tenant
        self.host = host
        self.certificate = certificate
        self.wrappedPrivateKey = wrappedPrivateKey
    }
}

/// The host names that a tenant has from now on, and the certificates of those that have one.
package struct DomainChange: Sendable {
    package let hosts: [String]
    package let certificates: [DomainCertificate]
    /// Of these hosts the certificates stay as they are when the change is made, which may be others by then.
    private let keeping: Set<String>

    package init(hosts: [String], certificates: [DomainCertificate], keeping: Set<String> = []) {
        self.hosts = hosts
        self.certificates = certificates
        self.keeping = keeping
    }

    /// What it comes to where the tenant has these certificates.
    func made(of known: [DomainCertificate]) -> DomainChange {
        let new = certificates.filter { !keeping.contains($0.host) }
        return DomainChange(hosts: hosts, certificates: new + known.filter { keeping.contains($0.host) })
    }
}

package enum RegistryRefusal: Error, Sendable {
    case slugTaken
    /// A tenant of this id lives here, or has moved away and is not deleted yet.
    case uuidLives
    case hostTaken(String)
    case unknownTenant
    /// The hash belongs to another tenant.
    case secretTaken
    /// Another tenant's keys begin so.
    case prefixTaken
    case unknownProviderKey
    case providerKeyExpired
    case providerKeyRevoked
    /// Nobody could call the provider's API over the network any more.
    case lastAdminKey
    case tooManyProviderKeys(Int64)
    /// What the change was admitted on does not hold any more; the error says what the caller is told.
    case notAllowed(any Error)
}

/// The registry of all tenants. Behind a protocol, so that more than one node can share one later.
/// Calls return at once; `then` comes on a worker once the change is durable, or with why it is not. `judge` runs in
/// the transaction that has the effect, and throws `RegistryRefusal.notAllowed` where the caller may not have it any
/// more (G3).
package protocol Registry: AnyObject, Sendable {
    typealias Judge = @Sendable (any ProviderKeyRows) throws -> Void
    typealias Done<Value> = @Sendable (Result<Value, any Error>) -> Void
    typealias DomainsMade = @Sendable (_ known: [DomainCertificate]) -> DomainChange

    func snapshot() throws -> RegistrySnapshot
    func insert(
        _ profile: TenantProfile, hasOwnPrefix: Bool, wrappedSecretKey: [UInt8], wrappedSigningKey: [UInt8],
        judge: @escaping Judge,
        then: @escaping Done<Void>)
    /// A new tenant is whole: its profile's changeable columns and the projection of what its file begins with, at
    /// once.
    func complete(
        _ profile: TenantProfile, _ changes: [ProjectedChange], meteredFrom mark: MeterMark, as act: ProviderAct,
        judge: @escaping Judge, then: @escaping Done<Void>)
    /// Changes a profile's columns on what the registry has now, so that two changes at once both stay.
    /// `RegistryRefusal.unknownTenant` where there is no such row. `change` throws where the profile does not allow it.
    /// `domains`: all of its host names from now on, given the certificates that it has; nil leaves them. `act`: the
    /// line in the provider's log; nil: none.
    func change(
        _ tenant: TenantID, as act: ProviderAct?, domains: DomainsMade?, judge: @escaping Judge,
        _ change: @escaping @Sendable (inout TenantProfile) throws -> Void, then: @escaping Done<Void>)
    /// A tenant that came from elsewhere is whole (P10): like `complete`, with all that its file says at `epoch`.
    func adopt(
        _ profile: TenantProfile, _ changes: [ProjectionChange], epoch: Int64, meteredFrom mark: MeterMark,
        as act: ProviderAct, judge: @escaping Judge, then: @escaping Done<Void>)
    /// Hashes that opened its keys until then die with it: without their key's id, by which one that comes back from
    /// elsewhere (P10) tells them from those that were revoked, or whose reseller was terminated.
    func erase(_ profile: TenantProfile, as act: ProviderAct, then: @escaping Done<Void>)
    /// Before a secret is minted: its hash belongs to this tenant from now on.
    func reserve(_ hash: Digest, for tenant: TenantID, then: @escaping Done<Void>)
    func project(_ changes: [ProjectedChange], of tenant: TenantID, then: @escaping Done<Void>)
    /// Everything of a tenant's keys and resellers, and its owner's address, as its file has them at `epoch`.
    func replaceProjection(
        of tenant: TenantID, with changes: [ProjectionChange], epoch: Int64, incarnation: Int64,
        then: @escaping Done<Void>)
    /// Of these hashes: those that are to open nothing again, revoked (not those that died with a tenant that was
    /// erased), past the end that a rotation gave them, or of a terminated reseller; and whether one is another
    /// tenant's.
    func judge(
        _ hashes: [Digest], for tenant: TenantID, at now: Timestamp,
        then: @escaping Done<(revoked: [Digest], foreign: Bool)>)
    func addProviderKey(
        _ new: NewProviderKey, revokingOthers: Bool, as act: ProviderAct, judge: @escaping Judge,
        then: @escaping Done<ProviderKey>)
    func rotateProviderKey(
        _ publicID: String, to secret: ProviderSecret, overlapSeconds: Int64, as act: ProviderAct,
        judge: @escaping Judge, then: @escaping Done<ProviderKey>)
    /// `RegistryRefusal.lastAdminKey` where it is the last that may do everything, and is to be spared.
    func revokeProviderKey(
        _ publicID: String, sparingLastAdmin: Bool, as act: ProviderAct, judge: @escaping Judge,
        then: @escaping Done<ProviderKey>)
    /// In the order in which they were made, revoked ones too.
    func providerKeys(after id: Int64, limit: Int, then: @escaping Done<[ProviderKey]>)
    func providerKey(_ publicID: String, then: @escaping Done<ProviderKey?>)
    func saveLastUses(ofProviderKeys uses: [(id: Int64, at: Timestamp)])
    /// A line in the provider's log of what has its effect elsewhere.
    func log(
        _ act: ProviderAct, tenant: TenantID?, slug: String?, judge: @escaping Judge, then: @escaping Done<Void>)
    /// `limit` lines at most, of a stretch that is bounded whatever matches.
    func providerEvents(
        before sequence: Int64, _ filter: ProviderEventFilter, limit: Int,
        then: @escaping Done<ProviderEventStretch>)
    /// Whether a form of the console's pages comes for the first time; from now on it does not.
    func takeForm(_ hash: Digest, at now: Timestamp, then: @escaping Done<Bool>)
    /// It was refused, and may come again.
    func forgetForm(_ hash: Digest)
    /// A session of the console is over at every node of a cluster. `end`: when it would have ended by itself.
    func signOut(_ session: Digest, endingAt end: Timestamp, at now: Timestamp, then: @escaping Done<Void>)
    /// Sessions past their end leave the projection; their hashes stay, revoked.
    func dropExpiredSessions(at now: Timestamp)
    func saveCounters(
        _ counters: [(TenantID, month: Int64, count: Int64, last: Timestamp?)], then: @escaping Done<Void>)
    /// Gives where tenants are counted up to whose tallies were made from another place: nothing was added of those.
    func saveUsage(_ save: UsageSave, then: @escaping Done<[(TenantID, MeterMark?)]>)
    func usage(
        _ selection: UsageSelection, after place: MeterPlace?, limit: Int, then: @escaping Done<[UsageMonth]>)
    /// When files are to be asked next; nil: never. `isWhole`: the process stops in order, and no row is too late.
    func saveDue(_ rows: [(TenantID, Timestamp?)], isWhole: Bool, then: @escaping Done<Void>)
    /// Files may lack what this log has: said before the first that does, taken back (nil) once all have everything.
    func noteLog(needed: LogID?, then: @escaping Done<Void>)
    /// One consistent copy of it in a file that does not exist yet; it is synced.
    func copy(to path: String, then: @escaping Done<Void>)
    /// What became of its rows since the last call; from the first on everything is noted (B3).
    func takeChanges(then: @escaping Done<RegistryChanges>)
    /// It moves with every job: where it has not, nothing changed.
    var used: UInt64 { get }
    func wrappedKeys(of tenant: TenantID, then: @escaping Done<WrappedKeys?>)
    /// Operations that wait. For metrics.
    var waiting: Int { get }
    func close(then: @escaping @Sendable () -> Void)
}

/// The registry in one SQLite file with a lane of its own.
package final class SQLiteRegistry: Registry {
    private let path: String
    let lane: Lane<RegistryStore>
    private let metrics: LaneMetrics
    private let report: @Sendable (String) -> Void
    let shared: SharedRegistry?

    /// `shared`: where the nodes of a cluster have it in common (N5).
    package convenience init(path: String, pool: LanePool, report: @escaping @Sendable (String) -> Void) {
        self.init(path: path, pool: pool, shared: nil, report: report)
    }

    init(path: String, pool: LanePool, shared: SharedRegistry?, report: @escaping @Sendable (String) -> Void) {
        self.path = path
        self.shared = shared
        self.report = report
        let metrics = pool.metrics
        self.metrics = metrics
        lane = Lane(
            name: "registry", pool: pool,
            open: { try Self.open(path, metrics, shared) },
            recover: { if shared == nil { try FileRecovery.copyAndSwap(path) } }, report: report)
    }

    package var waiting: Int { lane.waiting }

    /// Before any other call, while no lane runs: opens, migrates, reads everything, closes.
    package func snapshot() throws -> RegistrySnapshot {
        let store = try Self.open(path, metrics, shared)
        defer { store.close() }
        let snapshot = try RegistryReading(connection: store.connection).snapshot()
        // From here on a crash may leave a row too late.
        if snapshot.isDueWhole { try store.connection.execute("UPDATE due_state SET is_whole = 0") }
        return snapshot
    }

    func write(
        _ perform: @escaping @Sendable (Connection) throws -> Void, then: @escaping Done<Void>
    ) {
        run(writes: true, perform, then: then)
    }

    func run<Value: Sendable>(
        writes: Bool, _ perform: @escaping @Sendable (Connection) throws -> Value, then: @escaping Done<Value>
    ) {
        lane.submit(
            LaneJob(
                writes: writes,
                perform: { store in
                    do {
                        let value = try perform(store.connection)
                        return { _ in then(.success(value)) }
                    } catch let refusal as RegistryRefusal {
                        if writes { try store.connection.undoOperation() }
                        return { _ in then(.failure(refusal)) }
                    }
                },
                fail: { then(.failure($0)) }))
    }

    package func insert(
        _ profile: TenantProfile, hasOwnPrefix: Bool, wrappedSecretKey: [UInt8], wrappedSigningKey: [UInt8],
        judge: @escaping Judge,
        then: @escaping Done<Void>
    ) {
        write(
            { connection in
                try judge(ProviderKeyTable(connection: connection))
                if try connection.exists("SELECT 1 FROM tenant WHERE id = ?1", .blob(profile.id.bytes)) {
                    throw RegistryRefusal.uuidLives
                }
                let taken = try connection.row("SELECT 1 FROM tenant WHERE slug = ?1", .text(profile.slug)) { _ in true
                }
                if taken != nil { throw RegistryRefusal.slugTaken }
                if hasOwnPrefix,
                    try connection.exists("SELECT 1 FROM tenant WHERE key_prefix = ?1", .text(profile.keyPrefix))
                {
                    throw RegistryRefusal.prefixTaken
                }
                try connection.run(
                    """
                    INSERT INTO tenant (id, slug, blueprint, state, tier, currency, key_prefix, owner_email, created_at,
                        refundable_until)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                    """,
                    .blob(profile.id.bytes), .text(profile.slug), .text(profile.blueprint),
                    .integer(profile.state.rawValue), .text(profile.tier.rawValue), .text(profile.currency),
                    .text(profile.keyPrefix), .text(profile.ownerEmail), .integer(profile.createdAt.milliseconds),
                    .integer(profile.refundableUntil.milliseconds))
                try connection.run(
                    "INSERT INTO tenant_key (tenant_id, wrapped_secret_key, wrapped_signing_key) VALUES (?1, ?2, ?3)",
                    .blob(profile.id.bytes), .blob(wrappedSecretKey), .blob(wrappedSigningKey))
            }, then: then)
    }

    package func complete(
        _ profile: TenantProfile, _ changes: [ProjectedChange], meteredFrom mark: MeterMark, as act: ProviderAct,
        judge: @escaping Judge, then: @escaping Done<Void>
    ) {
        write(
            { connection in
                try judge(ProviderKeyTable(connection: connection))
                try Self.requireUnfinished(profile.id, connection)
                try Self.project(changes, of: profile.id, connection)
                try Self.save(profile, connection)
                try UsageTable(connection: connection).begin(profile, at: mark)
                try Self.log(act, profile, connection)
            }, then: then)
    }

    /// A node that was away while it made the tenant may find that others have erased what there was of it.
    private static func requireUnfinished(_ tenant: TenantID, _ connection: Connection) throws {
        guard try RegistryReading.profile(tenant, in: connection)?.state == .creating else {
            throw RegistryRefusal.unknownTenant
        }
    }

    package func change(
        _ tenant: TenantID, as act: ProviderAct?, domains: DomainsMade?, judge: @escaping Judge,
        _ change: @escaping @Sendable (inout TenantProfile) throws -> Void, then: @escaping Done<Void>
    ) {
        write(
            { connection in
                try judge(ProviderKeyTable(connection: connection))
                guard var profile = try RegistryReading.profile(tenant, in: connection) else {
                    throw RegistryRefusal.unknownTenant
                }
                try change(&profile)
                if let domains {
                    let known = try RegistryReading.domainRows(of: tenant, in: connection).certificates
                    try Self.set(domains(known), of: tenant, connection)
                }
                try Self.save(profile, connection)
                if let act { try Self.log(act, profile, connection) }
            }, then: then)
    }

    private static func save(_ profile: TenantProfile, _ connection: Connection) throws {
        try connection.run(
            """
            UPDATE tenant SET state = ?2, tier = ?3, quota_bytes = ?4, quota_resellers = ?5, quota_keys = ?6,
                quota_requests = ?7, ends_at = ?8, ended_at = ?9, limit_requests = ?10, limit_window = ?11,
                limit_burst = ?12, owner_email = ?13, deletes_at = ?14, moved_to = ?15, moved_at = ?16,
                moved_from_state = ?17, move_confirmed_at = ?18
            WHERE id = ?1
            """,
            .blob(profile.id.bytes), .integer(profile.state.rawValue), .text(profile.tier.rawValue),
            .optional(profile.quotaOverrides.bytesMax), .optional(profile.quotaOverrides.resellersMax),
            .optional(profile.quotaOverrides.keysMax), .optional(profile.quotaOverrides.requestsMonthlyMax),
            .optional(profile.endsAt?.milliseconds), .optional(profile.endedAt?.milliseconds),
            .optional(profile.limit.map { Int64($0.requests) }),
            .optional(profile.limit.map { Int64($0.windowSeconds) }), .optional(profile.limit.map { Int64($0.burst) }),
            .text(profile.ownerEmail), .optional(profile.deletesAt?.milliseconds), .optional(profile.move?.baseURL),
            .optional(profile.move?.at.milliseconds), .optional(profile.move?.stateBefore.rawValue),
            .optional(profile.move?.confirmedAt?.milliseconds))
    }

    private static func log(_ act: ProviderAct, _ profile: TenantProfile, _ connection: Connection) throws {
        try ProviderLogTable(connection: connection).add(act, tenant: profile.id, slug: profile.slug)
    }

    private static func set(_ domains: DomainChange, of tenant: TenantID, _ connection: Connection) throws {
        for host in domains.hosts {
            let owner = try connection.row("SELECT tenant_id FROM domain WHERE host = ?1", .text(host)) {
                try $0.blob()
            }
            if let owner, owner != tenant.bytes { throw RegistryRefusal.hostTaken(host) }
        }
        try connection.run("DELETE FROM domain WHERE tenant_id = ?1", .blob(tenant.bytes))
        for host in domains.hosts {
            let domain = domains.certificates.first { $0.host == host }
            try connection.run(
                "INSERT INTO domain (host, tenant_id, certificate, wrapped_private_key) VALUES (?1, ?2, ?3, ?4)",
                .text(host), .blob(tenant.bytes), .optional(domain?.certificate),
                .optional(domain?.wrappedPrivateKey))
        }
    }

    package func adopt(
        _ profile: TenantProfile, _ changes: [ProjectionChange], epoch: Int64, meteredFrom mark: MeterMark,
        as act: ProviderAct, judge: @escaping Judge, then: @escaping Done<Void>
    ) {
        write(
            { connection in
                try judge(ProviderKeyTable(connection: connection))
                try Self.requireUnfinished(profile.id, connection)
                try Self.save(profile, connection)
                // Its owner is the one that the file has, whoever was known where it comes from.
                try Self.replaceProjection(of: profile.id, with: changes, epoch, profile.incarnation, connection)
                try connection.run(
                    """
                    UPDATE tenant SET requests_month = ?2, requests_count = ?3, last_request_at = ?4
                    WHERE id = ?1
                    """,
                    .blob(profile.id.bytes), .integer(profile.requestsMonth), .integer(profile.requestsCount),
                    .optional(profile.lastRequestAt?.milliseconds))
                try UsageTable(connection: connection).begin(profile, at: mark)
                try Self.log(act, profile, connection)
            }, then: then)
    }

    package func erase(_ profile: TenantProfile, as act: ProviderAct, then: @escaping Done<Void>) {
        write(
            { connection in
                try Self.forgetSecrets(of: profile.id, connection)
                try connection.run("DELETE FROM tenant WHERE id = ?1", .blob(profile.id.bytes))
                try Self.log(act, profile, connection)
            },
            then: { [self] result in
                guard case .success = result, shared == nil else { return then(result) }
                // Its keys are in frames of the WAL too (B3).
                lane.exclusively(
                    { [report] control in
                        do {
                            try control.file().connection.checkpoint(.truncate)
                        } catch {
                            report("registry: keys of \(profile.slug), which is erased, stay in its WAL: \(error)")
                        }
                        then(result)
                    }, orElse: { _ in then(result) })
            })
    }

    package func project(_ changes: [ProjectedChange], of tenant: TenantID, then: @escaping Done<Void>) {
        if changes.isEmpty { return then(.success(())) }
        write(
            { [self] connection in
                try requireOwn(tenant)
                try Self.project(changes, of: tenant, connection)
            }, then: then)
    }

    private static func project(_ changes: [ProjectedChange], of tenant: TenantID, _ connection: Connection) throws {
        guard let first = changes.first?.epoch, let epoch = changes.last?.epoch else { return }
        for change in changes { try RegistryWriting(connection: connection).apply(change.change, of: tenant) }
        try connection.run(
            // Not over a gap: a change that the registry missed shows when the file is opened next.
            "UPDATE tenant SET projection_epoch = ?2 WHERE id = ?1 AND projection_epoch = ?3 - 1",
            .blob(tenant.bytes), .integer(epoch), .integer(first))
    }

    package func replaceProjection(
        of tenant: TenantID, with changes: [ProjectionChange], epoch: Int64, incarnation: Int64,
        then: @escaping Done<Void>
    ) {
        write(
            { [self] connection in
                try requireOwn(tenant)
                try Self.replaceProjection(of: tenant, with: changes, epoch, incarnation, connection)
            }, then: then)
    }

    private static func replaceProjection(
        of tenant: TenantID, with changes: [ProjectionChange], _ epoch: Int64, _ incarnation: Int64,
        _ connection: Connection
    ) throws {
        let id = SQLValue.blob(tenant.bytes)
        try connection.run("DELETE FROM api_key WHERE tenant_id = ?1", id)
        try connection.run("DELETE FROM reseller WHERE tenant_id = ?1", id)
        // Hashes that the file does not know any more are kept, dead.
        try connection.run("UPDATE secret SET is_revoked = 1 WHERE tenant_id = ?1 AND key_id IS NOT NULL", id)
        for change in changes {
            try RegistryWriting(connection: connection).apply(change, of: tenant, reviving: true)
        }
        try connection.run("DELETE FROM secret WHERE tenant_id = ?1 AND key_id IS NULL AND is_revoked = 0", id)
        try connection.run(
            """
            UPDATE tenant SET projection_epoch = ?2,
                incarnation = CASE WHEN incarnation <= ?4 THEN max(incarnation, ?3) ELSE ?3 END
            WHERE id = ?1
            """,
            id, .integer(epoch), .integer(incarnation), .integer(TenantStore.counters.upperBound))
    }

    package func close(then: @escaping @Sendable () -> Void) {
        lane.exclusively(
            { control in
                control.closeFile()
                then()
            }, orElse: { _ in then() })
    }
}
