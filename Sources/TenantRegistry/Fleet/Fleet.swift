package import Cryptography
package import RateLimiter
package import SQLite
package import Synchronization

/// What a tenant's file is made of, given by TenantApp: the registry knows files, not products and orders.
package struct TenantSchema: Sendable {
    package let migrations: [Migration]
    /// All keys and resellers as the file has them: what the registry's projection is rebuilt from.
    /// Every key and reseller that can be read; rows that are corrupt are handed to the closure.
    package let readProjections: @Sendable (TenantReader, (CorruptRow) -> Void) throws -> [ProjectionChange]
    /// Clears what has expired (idempotency, sessions). Hourly at most, on the lane; bounded.
    package let housekeep: @Sendable (TenantTransaction) throws -> Void
    /// What happens in it while nobody asks.
    package let due: DueSchema
    package let meter: MeterSchema
    /// Tables whose rows the chain vouches for wherever they change (0025); nil where files have no such note.
    package let vouched: VouchedShapes?
    /// Looks at a file that is to take the place of a tenant's; throws `RestoreFailure`. Long; off the lane.
    package let examine: @Sendable (FileExamination) throws -> ExaminedFile
    /// What a file that comes back is told of the one that goes, before it takes its place; nil where there is none or
    /// it does not open. `latest`: the clock's time, or that of the last commit where that is later. Called with the
    /// lane quiet.
    package let succeed:
        @Sendable (TenantTransaction, _ replaced: Connection?, _ latest: Timestamp, RequestID) throws -> Void

    package init(
        migrations: [Migration],
        readProjections: @escaping @Sendable (TenantReader, (CorruptRow) -> Void) throws -> [ProjectionChange],
        housekeep: @escaping @Sendable (TenantTransaction) throws -> Void, due: DueSchema = .nothing,
        meter: MeterSchema = .nothing, vouched: VouchedShapes? = nil,
        examine: @escaping @Sendable (FileExamination) throws -> ExaminedFile,
        succeed:
            @escaping @Sendable (TenantTransaction, _ replaced: Connection?, _ latest: Timestamp, RequestID) throws ->
            Void = { _, _, _, _ in }
    ) {
        self.migrations = migrations
        self.readProjections = readProjections
        self.housekeep = housekeep
        self.due = due
        self.meter = meter
        self.vouched = vouched
        self.examine = examine
        self.succeed = succeed
    }

    package var version: Int32 { migrations.last?.version ?? 0 }
}

/// Tables whose rows the chain vouches for, as the newest schema has them.
package struct VouchedShapes: Sendable {
    package let shapes: [RowShape]

    package init(_ tables: [String], _ migrations: [Migration]) throws {
        let reference = try Connection(path: ":memory:", flags: [.readWrite, .create])
        defer { reference.close() }
        for migration in migrations { try reference.execute(migration.sql) }
        shapes = try tables.map { try RowShape(of: $0, in: reference) }
    }
}

/// All tenants of one node: the one place that makes, opens, exports, restores and erases their files.
///
/// Invariant: nothing else in the process opens a live file, not even to read it (0002). Calls return at once; results
/// come on a worker.
package final class Fleet: Sendable {
    package let data: DataDirectory
    package let roster: Roster
    package let registry: any Registry
    package let pool: LanePool
    /// Who may use how much of what the node has.
    package let budgets: Budgets
    /// Parsing and HMAC of large bodies, scrypt of known callers, long lists.
    package let background: BackgroundPool
    /// scrypt of strangers: nothing that a valid key asks for waits behind it (G6).
    package let hashing: BackgroundPool
    /// What the operator of the node looks at, behind nobody.
    package let observing: BackgroundPool
    /// Reading and writing files that are not a lane's: a flood of sign-ins does not stop an export.
    package let files: BackgroundPool
    /// Sealing of the node's backup: orders hardly cost more meanwhile (P11).
    package let copies: BackgroundPool
    /// Restores wait here for the examination of their file.
    let examinations = BackgroundPool(name: "examine", threads: 2, places: Shares(whole: 16))
    /// Steps of calls that take several.
    package let flows: FlowPool
    /// Which tenant's file is to be asked next.
    package let due: DueBoard
    /// Whether the time of day is believed.
    package let clockGuard: ClockGuard
    package let clock: any WallClock
    package let monotonic: any MonotonicClock
    package let random: any RandomSource
    package let schema: TenantSchema
    package let report: @Sendable (String) -> Void
    let masterKey: [UInt8]
    /// The provider's keys that open something.
    package let providerKeys: ProviderKeyRing
    package let consoleSessions: ConsoleSessions
    private let diskIsShort = Atomic<Bool>(false)
    let isStopping = Atomic<Bool>(false)
    /// Everything is closed.
    let isGone = Atomic<Bool>(false)
    /// Tenants that did not come back from the archive when that was last tried, and why (B4).
    package let archiveFaults = Mutex<[TenantID: String]>([:])
    let touched = TouchedTenants()
    let lastHousekeeping = Mutex<[TenantID: (at: Timestamp, used: UInt64)]>([:])
    /// Tenants whose erasure the disk cut short; tried again until it is done.
    let unburied = Mutex<[Unburied]>([])
    let lastSessionSweep = Mutex(Timestamp(milliseconds: 0))
    /// Tenants whose deletion was put off, and until when.
    let deletions = Mutex<[TenantID: Timestamp]>([:])
    /// Its figures on their way to the registry.
    let metering = Metering()
    let certificatesCell: Mutex<[DomainCertificate]>
    /// See `watchCertificates`.
    let certificatesWatch = Mutex<@Sendable () -> Void>({})
    /// The process before this one did not stop in order: files that changed since may have work that the registry does
    /// not know of. Seconds of the disk's clock.
    let dueSuspectSince: Int?
    /// Files that had work in the log alone.
    let suspectsOfLog: Set<TenantID>
    /// Whose files are packed next.
    let resting: RestingFiles
    /// A tenant's file before anything is in it; see `makeFile`.
    let blankFiles: BlankFiles
    /// Where tenants' commits go; nil: each to a WAL beside its file (B1).
    let log: NodeLog?
    let sweeper: LogSweeper
    /// Where tenants can be taken back to; nil where there is no log (B2).
    let past: Past?
    let pastWork = PastWork()
    /// Where there is no log: while it stands, what a log of before left stays.
    let formerPastDoubt: ClockDoubt?
    /// This node among others; nil where it is by itself (N1).
    package let cluster: ClusterMember?
    /// The registry, where the nodes have it in common.
    let sharedRegistry: SQLiteRegistry?

    package struct Options: Sendable {
        package var workers = LanePool.workersDefault
        package var openFilesMax = 1_000
        /// How long nobody has used a small file that is packed; nil: none ever is.
        package var restMilliseconds: Int? = 300_000
        /// Writes are refused while the disk has less than this free.
        package var freeBytesReserve: Int64 = 64 << 20
        package var budgets = Budgets()
        /// What cannot be taken back waits where the time of day leaps further ahead; 0: it never does.
        package var clockLeapHoursMax = 25
        package var commits = CommitPlace.files
        /// The other nodes, and the log that all of them share; then nothing of `commits` counts.
        package var cluster: ClusterOptions?
        /// What the node's log is on.
        package var logDisk: any LogDisk = RealLogDisk()
        package var logSettings = LogSettings()
        package var sweeping = LogSweeper.Bounds()
        /// Who else needs the node's log, by name; see `NodeLog.hold`.
        package var logHolds: [String: @Sendable (UInt64) -> Bool] = [:]
        /// Called before the registry forgets a tenant; where it throws, the erasure is tried again later (B3).
        package var erasing: @Sendable (TenantID) throws -> Void = { _ in }
        /// See `LanePool`.
        package var aroundAnswers: @Sendable (() -> Void) -> Void = { $0() }

        package init() {}
    }

    package let options: Options
    /// Scrapes of metrics that wait.
    private static let observersMax = 16
    /// Pieces of backups that wait.
    private static let copiesMax = 64

    /// Opens the registry, fills the roster, finishes or clears what a crash left half-done. On the caller's thread.
    package init(
        data: DataDirectory, schema: TenantSchema, options: Options = Options(), clock: any WallClock = SystemClock(),
        monotonic: any MonotonicClock = SystemMonotonicClock(), random: any RandomSource = SystemRandom(),
        report: @escaping @Sendable (String) -> Void
    ) throws {
        self.data = data
        self.schema = schema
        self.options = options
        self.clock = clock
        self.monotonic = monotonic
        self.random = random
        self.report = report
        consoleSessions = ConsoleSessions(since: clock.now())
        due = DueBoard(clock: clock)
        clockGuard = ClockGuard(
            leapHoursMax: options.clockLeapHoursMax, path: data.clockLeapPath, steady: monotonic.nanoseconds())
        pool = LanePool(
            workers: options.workers, openFilesMax: options.openFilesMax, aroundAnswers: options.aroundAnswers)
        let budgets = options.budgets
        self.budgets = budgets
        flows = FlowPool(places: budgets.flows)
        background = BackgroundPool(name: "background", threads: 2, places: budgets.background)
        hashing = BackgroundPool(name: "hashing", threads: 2, places: budgets.hashing, isPolite: true)
        copies = BackgroundPool(
            name: "copies", threads: 1, places: Shares(whole: Self.copiesMax),
            rest: { [pace = CopyPace(pool.metrics, monotonic)] in pace.rest() })
        observing = BackgroundPool(name: "observing", threads: 1, places: Shares(whole: Self.observersMax))
        resting = RestingFiles(CopyPace(pool.metrics, monotonic))
        blankFiles = BlankFiles(data: data, schema: schema, background: background)
        files = BackgroundPool(name: "files", threads: 2, places: budgets.files)
        roster = Roster(monotonic: monotonic)
        try Self.judgeCluster(options.cluster, data)
        let isNewKey = try DataDirectory.contents(of: data.masterKeyPath) == nil
        let lacksRegistry = options.cluster == nil && Self.lacksRegistry(data)
        if isNewKey, lacksRegistry || DataDirectory.size(of: data.registryPath) != nil {
            throw DataDirectory.Failure.unusable(
                data.masterKeyPath, "it is missing; without it the secrets in the registry cannot be read")
        }
        let masterKey = try data.masterKey(orMake: { random.bytes(AES256GCM.keyBytes) })
        if lacksRegistry { throw DataDirectory.Failure.unusable(data.registryPath, Self.missingRegistry) }
        self.masterKey = masterKey
        let registryChanged = Self.lastChange(of: data.registryPath)
        let joined = try Self.join(options.cluster, data, masterKey, isNewKey, schema.version, pool.metrics)
        cluster = joined?.member
        let registry = SQLiteRegistry(path: data.registryPath, pool: pool, shared: joined?.registry, report: report)
        self.registry = registry
        sharedRegistry = joined.map { _ in registry }
        let snapshot = try Self.snapshot(of: registry, at: data.registryPath, report)
        try Self.judge(masterKey, of: data, by: snapshot)
        providerKeys = ProviderKeyRing(snapshot.providerSecrets)
        consoleSessions.follow(snapshot.signOuts)
        certificatesCell = Mutex(snapshot.certificates)
        dueSuspectSince = snapshot.isDueWhole && joined == nil ? nil : registryChanged
        log = try Self.openLog(data, options, clock: clock, random: random, snapshot, registry)
        past = try log.map { [roster] log in
            try Past(
                folder: data.pastFolder, log: log, clock: clock, monotonic: monotonic, random: random,
                key: { roster.tenant(id: $0)?.secretKey })
        }
        formerPastDoubt = Self.doubtOfFormerPasts(
            log, data.pastFolder, lastChange: registryChanged, clock: clock, monotonic: monotonic)
        sweeper = LogSweeper(options.sweeping)
        suspectsOfLog = log.map { Set($0.pending.map(\.tenant)) } ?? []
        if let cluster { try attach(cluster, registry) }
        try take(snapshot, isFirst: joined?.isFirst ?? false)
        if let joined { try enter(joined.member, isFirst: joined.isFirst) }
        forgetStrangers()
        judgePast()
        checkDisk()
    }

    /// `isFirst`: all of it is this node's, though the cluster's log does not say so yet.
    private func take(_ snapshot: RegistrySnapshot, isFirst: Bool) throws {
        for tenant in snapshot.tenants {
            if tenant.profile.isUnfinished {
                // A crash left it half-made or half-erased: no tenant then (P1).
                if cluster == nil {
                    bury(tenant.profile, isMarked: true, as: ownAct("tenant.deleted"))
                } else if isFirst || isLeftHere(tenant.profile) {
                    buryUnfinished(tenant.profile)
                }
                continue
            }
            let record = try makeRecord(
                tenant.profile, secretKey: unwrap(tenant.wrappedSecretKey, of: tenant.profile.id),
                signingSeed: unwrap(tenant.wrappedSigningKey, of: tenant.profile.id))
            roster.add(record)
            for change in tenant.changes { roster.apply(change, to: record) }
            guard isFirst || isServedHere(record.id) else { continue }
            takeDue(tenant.due, of: record)
            noteDeletion(of: record)
            record.meter.start(saved: tenant.meterMark, stands: tenant.quotaStands)
            record.backlog.start(tenant.backlog)
            if tenant.isIncomplete { refreshProjection(of: record) }
        }
    }

    // MARK: Room

    /// Whether writes are refused for want of disk.
    package var refusesWrites: Bool { diskIsShort.load(ordering: .relaxed) }

    func checkDisk() {
        guard let free = data.freeBytes else { return }
        let isShort = free < options.freeBytesReserve
        if diskIsShort.exchange(isShort, ordering: .relaxed) != isShort {
            report(isShort ? "the disk has \(free) bytes left: writes are refused" : "the disk has room again")
        }
    }

    /// Whether the time of day is believed: what goes by it goes for good.
    package var believesClock: Bool { clockGuard.believes(clock.now(), steady: monotonic.nanoseconds()) }

    // MARK: Lanes

    /// Goes on when every batch that runs or waits in these tenants' lanes has committed: what is judged from now on is
    /// judged by what holds now.
    func settle(_ records: [TenantRecord], then: @escaping @Sendable () -> Void) {
        let left = Mutex(1)
        let done: @Sendable () -> Void = {
            let isLast = left.withLock { left in
                left -= 1
                return left == 0
            }
            if isLast { then() }
        }
        for record in records {
            left.withLock { $0 += 1 }
            record.lane.whenQuiet(done)
        }
        done()
    }

    func makeRecord(_ profile: TenantProfile, secretKey: [UInt8], signingSeed: [UInt8]) throws -> TenantRecord {
        let record = TenantRecord(
            profile: profile, secretKey: secretKey, signingKey: try SigningKey(seed: signingSeed), touched: touched,
            now: monotonic.nanoseconds())
        let path = data.tenantPath(profile.id)
        let follows = filesFollow
        let lane = Lane<TenantStore>(
            name: "tenant \(profile.id.text)", pool: pool,
            open: { [weak self, unowned record] in
                guard let self else { throw LaneFailure.closed }
                do {
                    return try openFile(of: record)
                } catch {
                    guard isInDoubt(record) else { throw error }
                    // What was lost may come back yet: no write is told that nothing was done.
                    report("tenant \(record.id.text): not opened while the log is away: \(error)")
                    throw LaneFailure.outcomeUnknown
                }
            },
            recover: { [unowned record] in
                // What the log has not is in no file either: the next opening is the recovery.
                if !follows { try FileRecovery.copyAndSwap(path) }
                // The commit may have come back: what was kept ready is from before it.
                record.answers.dropAll()
            }, report: report)
        record.attach(lane)
        return record
    }

    /// `readLog`: where the file's reads gather; the record's own where it is left out.
    func context(_ record: TenantRecord, readLog: ReadLog? = nil, sink: (any FileSink)? = nil) -> TenantStore.Context {
        TenantStore.Context(
            clock: clock, random: random, metrics: pool.metrics, signingKey: record.signingKey,
            secretKey: record.secretKey, readLog: readLog ?? record.readLog, record: record, vouched: schema.vouched,
            budgets: budgets, board: due, sink: sink,
            believesClock: { [clockGuard, clock, monotonic] in
                clockGuard.believes(clock.now(), steady: monotonic.nanoseconds())
            }, report: report)
    }

    /// Opens a tenant's file, on its lane, and has the registry follow where a crash came between the two. A restored
    /// file that does not open goes, and the one before it comes back.
    private func openFile(of record: TenantRecord) throws -> TenantStore {
        let path = data.tenantPath(record.id)
        if let cluster, !cluster.isOwn(record.id) { throw LaneFailure.moved }
        try FileSwap.finish(path)
        try PackedFile.unpack(path)
        resting.take(record, now: monotonic.nanoseconds())
        let store = try openOrTakeBack(path, of: record)
        do {
            try FileSwap.forget(path)
        } catch {
            store.close()
            throw error
        }
        past?.remains(record.id, incarnation: store.head.incarnation)
        if store.projectionEpoch != record.profile.projectionEpoch {
            let changes = try projections(of: record, in: store)
            follow(record, changes, epoch: store.projectionEpoch, incarnation: store.head.incarnation)
        }
        // A note of it that was lost is made good here.
        let times = dueTimes(record, store.reader)
        due.note(record, DueKind.allCases.map { ($0, times[$0]) })
        count(backlogOf: record, in: store.reader)
        // What opening has read is not what calls read.
        store.connection.dropCaches()
        return store
    }

    private func openOrTakeBack(_ path: String, of record: TenantRecord) throws -> TenantStore {
        // What the log says of a file is not undone by one that lay here before.
        let isOurs = cluster?.isReset(record.id) ?? true
        do {
            return try openStore(path, of: record)
        } catch {
            // Where nobody could say what it is to be, nothing is wrong with the file.
            guard isOurs, (error as? LaneFailure)?.isOfCluster != true, FileSwap.canTakeBack(path) else { throw error }
            try endRecords(of: record.id, isWhole: false)
            guard try FileSwap.takeBack(path) else { throw error }
            report("tenant \(record.id.text): the restored file does not open, the one before it is back: \(error)")
            return try openStore(path, of: record)
        }
    }

    /// Checks whose a file is and which schema it has, and migrates it.
    func openStore(_ path: String, of record: TenantRecord) throws -> TenantStore {
        let isLive = path == data.tenantPath(record.id)
        let log = isLive ? log : nil
        try log?.complete(path, of: record.id)
        let shared = try isLive ? openShared(record) : nil
        try FileIdentity.check(path, isOf: record.id)
        let sink: (any FileSink)? = shared ?? log.map { TenantSink($0, tenant: record.id) }
        let connection = try Connection(path: path, flags: [.readWrite], sink: sink)
        do {
            try connection.configureLive()
            try CoreSchema.check(connection)
            if let sink { try connection.beginLogging(to: sink) }
            try Migrator.migrate(connection, schema.migrations)
            let store = try TenantStore(
                connection: connection, tenantID: record.id, context: context(record, sink: sink))
            if isLive { record.meter.opened(store.head) }
            try vouchForAll(store)
            // Nobody is told of what a migration made before it is durable.
            try sink?.wait(for: connection.lastLSN)
            // After what the file needs to be opened at all.
            try store.hold(toPages: record.profile.quotas.pagesMax)
            // It never changes, so that whichever of the two says another thing was changed by other hands.
            guard store.currency == record.profile.currency else {
                throw TenantFileError.damaged("its currency is \(store.currency), not \(record.profile.currency)")
            }
            return store
        } catch {
            connection.close()
            throw error
        }
    }

    /// What a tenant's file says of its keys and resellers. One that cannot be read opens nothing, and the log names
    /// it.
    func projections(of record: TenantRecord, in store: TenantStore) throws -> [ProjectionChange] {
        try schema.readProjections(store.reader) { report("tenant \(record.id.text): \($0)") }
    }

    /// Memory and registry take over what a tenant's file says, whole.
    func follow(
        _ record: TenantRecord, _ changes: [ProjectionChange], epoch: Int64, incarnation: Int64,
        then: @escaping @Sendable (Result<Void, any Error>) -> Void = { _ in }
    ) {
        roster.replace(record, with: changes)
        roster.update(record) { profile in
            profile.projectionEpoch = epoch
            let isKnown = TenantStore.counters.contains(profile.incarnation)
            profile.incarnation = isKnown ? max(profile.incarnation, incarnation) : incarnation
        }
        record.answers.dropAll()
        registry.replaceProjection(of: record.id, with: changes, epoch: epoch, incarnation: incarnation) {
            [self] result in
            switch result {
            case .success: cluster?.noteProjected(record.id)
            case .failure(let error):
                cluster?.noteUnprojected(record.id)
                report("registry: projection of \(record.id.text): \(error)")
            }
            then(result)
        }
    }

    func refreshProjection(
        of record: TenantRecord, then: @escaping @Sendable (Result<Void, any Error>) -> Void = { _ in }
    ) {
        record.lane.submit(
            LaneJob(
                writes: false,
                perform: { [self] store in
                    let changes = try projections(of: record, in: store)
                    let (epoch, incarnation) = (store.projectionEpoch, store.head.incarnation)
                    // Among the batch's effects: what later jobs of the batch change comes after.
                    store.afterCommit { [self] in
                        follow(record, changes, epoch: epoch, incarnation: incarnation, then: then)
                    }
                    return { _ in }
                },
                fail: { [report] failure in
                    report("tenant \(record.id.text): \(failure)")
                    then(.failure(failure))
                }))
    }

    /// Reads every tenant's keys and resellers from its file anew. `then` is given how many followed and which could
    /// not.
    package func rebuildProjections(then: @escaping @Sendable (_ followed: Int, _ failed: [String]) -> Void) {
        let records = roster.allTenants.filter { isServedHere($0.id) }
        let progress = Mutex((left: records.count, followed: 0, failed: [String]()))
        let done: @Sendable (TenantRecord, Bool) -> Void = { record, succeeded in
            let result = progress.withLock { progress -> (Int, [String])? in
                progress.left -= 1
                if succeeded { progress.followed += 1 } else { progress.failed.append(record.slug) }
                return progress.left == 0 ? (progress.followed, progress.failed) : nil
            }
            if let result { then(result.0, result.1) }
        }
        if records.isEmpty { return then(0, []) }
        for record in records {
            refreshProjection(of: record) { result in
                if case .success = result { done(record, true) } else { done(record, false) }
            }
        }
    }

}
