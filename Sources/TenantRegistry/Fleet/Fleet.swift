package import Cryptography
package import RateLimiter
package import SQLite
import Synchronization

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
    /// What a restored file is told of the one that goes, before it takes its place; called with the lane quiet.
    package let succeed: @Sendable (TenantTransaction, _ replaced: Connection, RequestID) throws -> Void

    package init(
        migrations: [Migration],
        readProjections: @escaping @Sendable (TenantReader, (CorruptRow) -> Void) throws -> [ProjectionChange],
        housekeep: @escaping @Sendable (TenantTransaction) throws -> Void, due: DueSchema = .nothing,
        meter: MeterSchema = .nothing, vouched: VouchedShapes? = nil,
        examine: @escaping @Sendable (FileExamination) throws -> ExaminedFile,
        succeed: @escaping @Sendable (TenantTransaction, _ replaced: Connection, RequestID) throws -> Void = {
            _, _, _ in
        }
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

    var version: Int32 { migrations.last?.version ?? 0 }
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
    private let diskIsShort = Atomic<Bool>(false)
    let isStopping = Atomic<Bool>(false)
    let touched = TouchedTenants()
    let lastHousekeeping = Mutex<[TenantID: (at: Timestamp, used: UInt64)]>([:])
    /// Tenants whose erasure the disk cut short; tried again until it is done.
    let unburied = Mutex<[(TenantProfile, ProviderAct)]>([])
    let lastSessionSweep = Mutex(Timestamp(milliseconds: 0))
    /// Tenants whose deletion was put off, and until when.
    let deletions = Mutex<[TenantID: Timestamp]>([:])
    /// Its figures on their way to the registry.
    let metering = Metering()
    private let certificatesCell: Mutex<[DomainCertificate]>
    /// The process before this one did not stop in order: files that changed since may have work that the registry does
    /// not know of. Seconds of the disk's clock.
    let dueSuspectSince: Int?
    /// A tenant's file before anything is in it; see `makeFile`.
    let blankFiles: BlankFiles

    package struct Options: Sendable {
        package var workers = LanePool.workersDefault
        package var openFilesMax = 1_000
        /// Writes are refused while the disk has less than this free.
        package var freeBytesReserve: Int64 = 64 << 20
        package var budgets = Budgets()
        /// What cannot be taken back waits where the time of day leaps further ahead; 0: it never does.
        package var clockLeapHoursMax = 25
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
        due = DueBoard(clock: clock)
        clockGuard = ClockGuard(leapHoursMax: options.clockLeapHoursMax)
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
        blankFiles = BlankFiles(data: data, schema: schema, background: background)
        files = BackgroundPool(name: "files", threads: 2, places: budgets.files)
        roster = Roster(monotonic: monotonic)
        if DataDirectory.size(of: data.masterKeyPath) == nil, DataDirectory.size(of: data.registryPath) != nil {
            throw DataDirectory.Failure.unusable(
                data.masterKeyPath, "it is missing; without it the secrets in the registry cannot be read")
        }
        masterKey = try data.secretFile(data.masterKeyPath, orMake: { random.bytes(32) })
        let registryChanged = Self.lastChange(of: data.registryPath)
        let registry = SQLiteRegistry(path: data.registryPath, pool: pool, report: report)
        self.registry = registry
        let snapshot: RegistrySnapshot
        do {
            snapshot = try registry.snapshot()
            for corrupt in snapshot.corruptRows { report("registry: \(corrupt)") }
        } catch {
            throw DataDirectory.Failure.unusable(data.registryPath, "\(error)")
        }
        providerKeys = ProviderKeyRing(snapshot.providerSecrets)
        certificatesCell = Mutex(snapshot.certificates)
        dueSuspectSince = snapshot.isDueWhole ? nil : registryChanged
        try take(snapshot)
        checkDisk()
    }

    private func take(_ snapshot: RegistrySnapshot) throws {
        for tenant in snapshot.tenants {
            if tenant.profile.state == .creating || tenant.profile.state == .deleting {
                // A crash left it half-made or half-erased: no tenant then (P1).
                bury(tenant.profile, isMarked: true, as: ownAct("tenant.deleted"))
                continue
            }
            let record = try makeRecord(
                tenant.profile, secretKey: unwrap(tenant.wrappedSecretKey, of: tenant.profile.id),
                signingSeed: unwrap(tenant.wrappedSigningKey, of: tenant.profile.id))
            roster.add(record)
            takeDue(tenant.due, of: record)
            noteDeletion(of: record)
            record.meter.start(saved: tenant.meterMark, stands: tenant.quotaStands)
            for reseller in tenant.resellers { roster.apply(.reseller(reseller), to: record) }
            for key in tenant.keys { roster.apply(.key(key), to: record) }
            if tenant.isIncomplete { refreshProjection(of: record) }
        }
    }

    // MARK: Keys of the node

    /// AES-256-GCM under the master key, bound to the tenant.
    /// What the cursors of the node's own lists are sealed under.
    package var secretOfLists: [UInt8] { HMACSHA256.code(key: masterKey, Array("tollgate lists".utf8)).bytes }

    package func wrap(_ secret: [UInt8], of tenant: TenantID) throws -> [UInt8] {
        try AES256GCM.seal(secret, key: masterKey, associatedData: tenant.bytes, random: random)
    }

    package func unwrap(_ sealed: [UInt8], of tenant: TenantID) throws -> [UInt8] {
        try AES256GCM.open(sealed, key: masterKey, associatedData: tenant.bytes)
    }

    package var certificates: [DomainCertificate] { certificatesCell.withLock { $0 } }

    package func replaceCertificates(of hosts: [String], with new: [DomainCertificate]) {
        certificatesCell.withLock { all in
            all.removeAll { hosts.contains($0.host) }
            all += new
        }
    }

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

    // MARK: Lanes

    func makeRecord(_ profile: TenantProfile, secretKey: [UInt8], signingSeed: [UInt8]) throws -> TenantRecord {
        let record = TenantRecord(
            profile: profile, secretKey: secretKey, signingKey: try SigningKey(seed: signingSeed), touched: touched,
            now: monotonic.nanoseconds())
        let path = data.tenantPath(profile.id)
        let lane = Lane<TenantStore>(
            name: "tenant \(profile.id.text)", pool: pool,
            open: { [weak self, unowned record] in
                guard let self else { throw LaneFailure.closed }
                return try openFile(of: record)
            },
            recover: { [unowned record] in
                try FileRecovery.copyAndSwap(path)
                // The commit may have come back: what was kept ready is from before it.
                record.answers.dropAll()
            }, report: report)
        record.attach(lane)
        return record
    }

    /// `readLog`: where the file's reads gather; the record's own where it is left out.
    func context(_ record: TenantRecord, readLog: ReadLog? = nil) -> TenantStore.Context {
        TenantStore.Context(
            clock: clock, random: random, metrics: pool.metrics, signingKey: record.signingKey,
            secretKey: record.secretKey, readLog: readLog ?? record.readLog, record: record, vouched: schema.vouched,
            budgets: budgets, board: due, report: report)
    }

    /// Opens a tenant's file, on its lane, and has the registry follow where a crash came between the two. A restored
    /// file that does not open goes, and the one before it comes back.
    private func openFile(of record: TenantRecord) throws -> TenantStore {
        let path = data.tenantPath(record.id)
        try FileSwap.finish(path)
        let store = try openOrTakeBack(path, of: record)
        do {
            try FileSwap.forget(path)
        } catch {
            store.close()
            throw error
        }
        if store.projectionEpoch != record.profile.projectionEpoch {
            let changes = try projections(of: record, in: store)
            follow(record, changes, epoch: store.projectionEpoch, incarnation: store.head.incarnation)
        }
        // A note of it that was lost is made good here.
        let times = dueTimes(record, store.reader)
        due.note(record, DueKind.allCases.map { ($0, times[$0]) })
        return store
    }

    private func openOrTakeBack(_ path: String, of record: TenantRecord) throws -> TenantStore {
        do {
            return try openStore(path, of: record)
        } catch {
            guard try FileSwap.takeBack(path) else { throw error }
            report("tenant \(record.id.text): the restored file does not open, the one before it is back: \(error)")
            return try openStore(path, of: record)
        }
    }

    /// Checks whose a file is and which schema it has, and migrates it.
    func openStore(_ path: String, of record: TenantRecord) throws -> TenantStore {
        try FileIdentity.check(path, isOf: record.id)
        let connection = try Connection(path: path, flags: [.readWrite])
        do {
            try connection.configureLive()
            guard try connection.applicationID == CoreSchema.applicationID else {
                throw TenantFileError.notATenantFile("its application_id is not Tollgate's")
            }
            try Migrator.migrate(connection, schema.migrations)
            let store = try TenantStore(connection: connection, tenantID: record.id, context: context(record))
            if path == data.tenantPath(record.id) { record.meter.opened(store.head) }
            try vouchForAll(store)
            // After what the file needs to be opened at all.
            try connection.setMaxPageCount(record.profile.quotas.pagesMax)
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

    /// A file of another schema than its rows were last told at tells all of them anew, with its first commit.
    private func vouchForAll(_ store: TenantStore) throws {
        guard try isUntold(store.connection) else { return }
        try store.connection.beginImmediate()
        do {
            try store.vouchForAll(schema: schema.version)
            try store.seal()
            try store.connection.commit()
        } catch {
            store.rolledBack()
            throw error
        }
        store.committed()
    }

    /// Whether the chain does not vouch for the rows as this schema has them.
    func isUntold(_ connection: Connection) throws -> Bool {
        guard schema.vouched != nil else { return false }
        let told = try connection.row("SELECT vouched_version FROM meta WHERE id = 1") { try $0.int() }
        return told != Int64(schema.version)
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
            [report] result in
            if case .failure(let error) = result { report("registry: projection of \(record.id.text): \(error)") }
            then(result)
        }
    }

    private func refreshProjection(of record: TenantRecord) {
        record.lane.submit(
            LaneJob(
                writes: false,
                perform: { [self] store in
                    let changes = try projections(of: record, in: store)
                    let (epoch, incarnation) = (store.projectionEpoch, store.head.incarnation)
                    // Among the batch's effects: what later jobs of the batch change comes after.
                    store.afterCommit { [self] in follow(record, changes, epoch: epoch, incarnation: incarnation) }
                    return { _ in }
                },
                fail: { [report] failure in report("tenant \(record.id.text): \(failure)") }))
    }

    /// Reads every tenant's keys and resellers from its file anew. `then` is given how many followed and which could
    /// not.
    package func rebuildProjections(then: @escaping @Sendable (_ followed: Int, _ failed: [String]) -> Void) {
        let records = roster.allTenants
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
            record.lane.submit(
                LaneJob(
                    writes: false,
                    perform: { [self] store in
                        let changes = try projections(of: record, in: store)
                        let (epoch, incarnation) = (store.projectionEpoch, store.head.incarnation)
                        store.afterCommit { [self] in
                            follow(record, changes, epoch: epoch, incarnation: incarnation) { result in
                                if case .success = result { done(record, true) } else { done(record, false) }
                            }
                        }
                        return { _ in }
                    },
                    fail: { _ in done(record, false) }))
        }
    }

}
