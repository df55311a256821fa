import Foundation
import SQLite
import Synchronization
import TestTenants

@testable import TenantRegistry

/// A real SQLite file under a lane, small enough to see through: rows of numbers, and effects that come after commits.
/// Used on the lane's worker.
final class ScratchFile: LaneFile {
    let connection: Connection
    private let controls: ScratchControls
    private var noted: [Int64] = []
    private var jobNoted = 0

    init(path: String, controls: ScratchControls) throws {
        self.controls = controls
        connection = try Connection(path: path)
        try connection.configureLive(pageCountMax: controls.pageCountMax)
        try connection.execute(
            """
            CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL, filling BLOB) STRICT;
            CREATE TABLE IF NOT EXISTS child (
                item INTEGER NOT NULL REFERENCES item(id) DEFERRABLE INITIALLY DEFERRED) STRICT;
            CREATE TABLE IF NOT EXISTS marker (value INTEGER NOT NULL) STRICT;
            """)
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

    func committed() {
        let effects = noted
        noted.removeAll()
        jobNoted = 0
        controls.effects.withLock { $0 += effects }
    }

    func rolledBack() {
        noted.removeAll()
        jobNoted = 0
    }

    struct MarkerFailed: Error {}

    func writeMarker() throws {
        if controls.markerFails.load(ordering: .relaxed) { throw MarkerFailed() }
        try connection.execute("BEGIN IMMEDIATE; INSERT INTO marker VALUES (1); COMMIT")
    }

    func rest() {}

    func close() {
        connection.closeEmptyingWAL()
        controls.closed.signal()
    }
}

/// What a test sets and looks at. Any thread.
final class ScratchControls: Sendable {
    let markerFails = Atomic(false)
    let effects = Mutex<[Int64]>([])
    let recoveries = Atomic(0)
    /// Signalled each time the file closes.
    let closed = DispatchSemaphore(value: 0)
    let pageCountMax: Int64?

    init(pageCountMax: Int64? = nil) { self.pageCountMax = pageCountMax }
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
            name: "scratch", pool: pool, bounds: bounds, open: { try ScratchFile(path: path, controls: controls) },
            recover: {
                controls.recoveries.add(1, ordering: .relaxed)
                try FileRecovery.copyAndSwap(path)
            }, report: { _ in })
    }

    /// Queues a job; its result comes through the promise.
    func submit<Value: Sendable>(
        writes: Bool = true, _ perform: @escaping @Sendable (ScratchFile) throws -> Value
    ) -> Promise<Value> {
        let promise = Promise<Value>()
        lane.submit(
            LaneJob(
                writes: writes,
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
        }
    }
}
