import Foundation
import SQLite
import Synchronization
import TestTenants

@testable import TenantRegistry

/// A real SQLite file under a lane, small enough to see through: rows of numbers, and effects that come after commits.
/// Used on the lane's worker.
final class ScratchFile: LaneFile {
    let connection: Connection
    private let commits: KeptLog?
    private let controls: ScratchControls
    private let metrics: LaneMetrics
    private var noted: [Int64] = []
    private var jobNoted = 0
    private var pace = CheckpointPace()
    private var room = FileRoom()
    /// Of a commit that the log took and SQLite did not.
    private var lsnAhead: UInt64 = 0

    /// `commits`: where they go; what is durable there is put into the file first.
    init(path: String, commits: KeptLog? = nil, controls: ScratchControls, metrics: LaneMetrics) throws {
        self.commits = commits
        self.controls = controls
        self.metrics = metrics
        if let commits, !commits.durableCommits.isEmpty {
            let replay = try PageReplay(path: path)
            for commit in commits.durableCommits { try commit.bytes.withUnsafeBytes { try replay.apply($0) } }
            try replay.finish()
        }
        connection = try Connection(path: path, sink: commits)
        try connection.configureLive()
        try connection.execute(
            """
            CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL, filling BLOB) STRICT;
            CREATE TABLE IF NOT EXISTS child (
                item INTEGER NOT NULL REFERENCES item(id) DEFERRABLE INITIALLY DEFERRED) STRICT;
            CREATE TABLE IF NOT EXISTS marker (value INTEGER NOT NULL) STRICT;
            """)
        if let pages = controls.pageCountMax { try room.hold(connection, toPages: pages) }
        if commits != nil {
            try connection.checkpoint(.truncate)
            try connection.syncFile()
            try connection.beginLogging()
        }
    }

    var log: (any LaneLog)? { commits }
    var lastLSN: UInt64 { max(connection.lastLSN, lsnAhead) }

    /// This job's COMMIT will fail once the log has taken a commit.
    func failBehindLog() throws {
        guard let commits, let last = commits.durableCommits.last else { return }
        lsnAhead = try last.bytes.withUnsafeBytes { try commits.append($0) }
        try insertBrokenReference()
    }

    func insert(_ value: Int64, fillingBytes: Int = 0) throws {
        try connection.run(
            "INSERT INTO item (value, filling) VALUES (?1, ?2)", .integer(value),
            .blob([UInt8](repeating: 1, count: fillingBytes)))
    }

    func values() throws -> [Int64] { try connection.rows("SELECT value FROM item ORDER BY id") { try $0.int() } }

    /// Found out at COMMIT alone.
    func insertBrokenReference() throws { try connection.run("INSERT INTO child VALUES (999)") }

    /// `value` joins `ScratchControls.effects` when the batch has committed.
    func note(_ value: Int64) { noted.append(value) }

    func jobBegins() { jobNoted = noted.count }
    func jobUndone() { noted.removeSubrange(jobNoted...) }
    func seal() throws {}
    func openReserve(_ reserve: PageReserve) { room.openReserve(reserve, of: connection) }

    struct Effects: LaneEffects {
        let noted: [Int64]
        let controls: ScratchControls

        func run() { controls.effects.withLock { $0 += noted } }
        func drop() { controls.dropped.withLock { $0 += noted } }
    }

    func committed() -> Effects? {
        room.closeReserve(of: connection)
        let effects = Effects(noted: noted, controls: controls)
        noted.removeAll()
        jobNoted = 0
        return effects.noted.isEmpty ? nil : effects
    }

    var outcome: Void { () }
    var isUnfinished: Bool { false }

    func rolledBack() {
        room.closeReserve(of: connection)
        noted.removeAll()
        jobNoted = 0
    }

    func takeFailedCommit() -> FailedCommit? {
        controls.failedCommit.withLock { failed in
            defer { failed = nil }
            return failed
        }
    }

    struct MarkerFailed: Error {}

    func writeMarker() throws {
        if controls.markerFails.load(ordering: .relaxed) { throw MarkerFailed() }
        try connection.execute("BEGIN IMMEDIATE; INSERT INTO marker VALUES (1); COMMIT")
    }

    func rest(isDurable: Bool, isPressed: Bool) -> LaneRest {
        controls.restsAsked.add(1, ordering: .relaxed)
        guard controls.rests else { return .notDue }
        return pace.rest(connection, metrics, isDurable: isDurable, isPressed: isPressed)
    }

    func close() {
        connection.closeEmptyingWAL()
        controls.closed.signal()
    }

    func discard() {
        connection.close()
        controls.discarded.add(1, ordering: .relaxed)
    }

    func takeOpening() -> Effects? { nil }
}

/// What a test sets and looks at. Any thread.
final class ScratchControls: Sendable {
    let markerFails = Atomic(false)
    /// What the log says of the next COMMIT that fails; nil: it does not know.
    let failedCommit = Mutex<FailedCommit?>(nil)
    let effects = Mutex<[Int64]>([])
    let dropped = Mutex<[Int64]>([])
    let discarded = Atomic(0)
    let recoveries = Atomic(0)
    /// How often a run of the lane has come to its end with the file open.
    let restsAsked = Atomic(0)
    /// Signalled each time the file closes.
    let closed = DispatchSemaphore(value: 0)
    let pageCountMax: Int64?
    /// Whether checkpoints come as of a tenant's file.
    let rests: Bool
    /// Where commits go; nil: each syncs by itself.
    let commits: KeptLog?

    init(pageCountMax: Int64? = nil, commits: KeptLog? = nil, rests: Bool = false) {
        self.pageCountMax = pageCountMax
        self.commits = commits
        self.rests = rests
    }
}

/// A pool and a lane on a scratch file, with calls that wait.
final class ScratchLane: Sendable {
    let pool: LanePool
    let lane: Lane<ScratchFile>
    let controls: ScratchControls

    init(
        _ path: String, pool: LanePool, controls: ScratchControls = ScratchControls(),
        _ shape: (inout Lane<ScratchFile>.Bounds) -> Void = { _ in }
    ) {
        self.pool = pool
        self.controls = controls
        var bounds = Lane<ScratchFile>.Bounds()
        bounds.batchMicrosecondsMax = 60_000_000
        shape(&bounds)
        lane = Lane(
            name: "scratch", pool: pool, bounds: bounds,
            open: {
                try ScratchFile(path: path, commits: controls.commits, controls: controls, metrics: pool.metrics)
            },
            recover: {
                controls.recoveries.add(1, ordering: .relaxed)
                try FileRecovery.copyAndSwap(path)
            }, report: { _ in })
    }

    /// Queues a job; its result comes through the promise.
    func submit<Value: Sendable>(
        writes: Bool = true, reserve: PageReserve = .none,
        _ perform: @escaping @Sendable (ScratchFile) throws -> Value
    ) -> Promise<Value> {
        let promise = Promise<Value>()
        lane.submit(
            LaneJob(
                writes: writes, reserve: reserve,
                perform: { file in
                    let value = try perform(file)
                    return { _ in promise.succeed(value) }
                },
                fail: { promise.fail($0) }))
        return promise
    }

    func exclusively<Value: Sendable>(
        _ work: @escaping @Sendable (LaneControl<ScratchFile>) throws -> Value
    ) -> Promise<Value> {
        let promise = Promise<Value>()
        lane.exclusively({ control in promise.resolve(Result { try work(control) }) }, orElse: { promise.fail($0) })
        return promise
    }

    /// Holds the lane in a batch of its own until the gate opens; returns once it is held.
    func hold() throws -> Gate {
        let gate = Gate()
        let entered = Promise<Void>()
        gate.job = submit(writes: false) { _ in
            entered.succeed(())
            gate.wait()
        }
        try entered.value()
        return gate
    }

    func values() throws -> [Int64] { try submit(writes: false) { try $0.values() }.value() }

    /// Returns once every batch of jobs that were submitted before has ended, told or not.
    func passBatches() throws {
        // The second runs in a batch behind the first one's.
        for _ in 0..<2 {
            let runs = Promise<Void>()
            lane.submit(
                LaneJob(
                    writes: false,
                    perform: { _ in
                        runs.succeed(()); return { _ in }
                    }, fail: { _ in }))
            try runs.value()
        }
    }
}

/// Closed until it is opened once.
final class Gate: @unchecked Sendable {
    // `job` is written and read by the test's thread alone.
    var job: Promise<Void>?
    private let semaphore = DispatchSemaphore(value: 0)

    func wait() { semaphore.wait() }
    func open() { semaphore.signal() }
}

extension Result {
    var laneFailure: LaneFailure? {
        guard case .failure(let error) = self else { return nil }
        return error as? LaneFailure
    }
}

extension LaneFailure {
    /// The case's name: what tests compare.
    var name: String {
        switch self {
        case .tooManyWaiting: "tooManyWaiting"
        case .unavailable: "unavailable"
        case .quotaReached: "quotaReached"
        case .storageFull: "storageFull"
        case .notCommitted: "notCommitted"
        case .outcomeUnknown: "outcomeUnknown"
        case .failed: "failed"
        case .corrupt: "corrupt"
        case .closed: "closed"
        case .moved: "moved"
        case .logUnavailable: "logUnavailable"
        }
    }
}
