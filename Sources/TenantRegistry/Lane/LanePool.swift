package import Synchronization

/// What the pool sees of a lane.
protocol LaneRunnable: AnyObject, Sendable {
    /// Runs a batch. Returns whether more waits: the worker then puts the lane back at the end of the queue.
    func run() -> Bool
    func evict()
    var lastUsed: Atomic<UInt64> { get }
}

/// The workers that run lanes, round-robin, a batch at a time.
///
/// Sized by syncs in flight rather than cores: while a worker waits for the disk another works (0002). It also bounds
/// the open files: past `openFilesMax` the lane that was used longest ago is asked to close, before any other is
/// opened. So however many lanes wait, there are few more: one for each worker, one that it was using when it was asked
/// for, and those whose commits the log has not made durable yet.
package final class LanePool: Sendable {
    package static let workersDefault = 16

    package let metrics = LaneMetrics()
    private let ready = WaitingQueue<any LaneRunnable>()
    private let openLanes = Mutex<[ObjectIdentifier: any LaneRunnable]>([:])
    private let ticks = Atomic<UInt64>(0)
    package let openFilesMax: Int
    /// WALs in memory take more than they should: lanes give theirs back sooner.
    package let isPressed = Atomic<Bool>(false)
    /// Runs what answers a whole batch; the gateway has its loops woken once for all of it.
    let aroundAnswers: @Sendable (() -> Void) -> Void

    package init(
        workers: Int = workersDefault, openFilesMax: Int,
        aroundAnswers: @escaping @Sendable (() -> Void) -> Void = { $0() }
    ) {
        self.openFilesMax = openFilesMax
        self.aroundAnswers = aroundAnswers
        for index in 0..<workers {
            startThread("lane-\(index)") { [ready] in
                var next = ready.take()
                while let lane = next { next = lane.run() ? ready.exchange(lane) : ready.take() }
            }
        }
    }

    /// Lanes ready for a worker.
    package var waiting: Int { ready.count }
    package var openFiles: Int { openLanes.withLock { $0.count } }

    func schedule(_ lane: any LaneRunnable, isFirst: Bool = false) { ready.put(lane, isFirst: isFirst) }

    func tick() -> UInt64 { ticks.add(1, ordering: .relaxed).newValue }

    func opened(_ lane: any LaneRunnable) {
        let victims: [any LaneRunnable] = openLanes.withLock { lanes in
            lanes[ObjectIdentifier(lane)] = lane
            let surplus = lanes.count - openFilesMax
            guard surplus > 0 else { return [] }
            // As many as there are too many: one that was asked before may have had work waiting, and stayed open.
            var idle = lanes.values.filter { $0 !== lane }
                .map { (lane: $0, lastUsed: $0.lastUsed.load(ordering: .relaxed)) }
            // Nearly always it is one: no need to sort a thousand for it.
            if surplus == 1 { return idle.min { $0.lastUsed < $1.lastUsed }.map { [$0.lane] } ?? [] }
            idle.sort { $0.lastUsed < $1.lastUsed }
            return idle.prefix(surplus).map(\.lane)
        }
        metrics.filesOpened.add(1, ordering: .relaxed)
        for victim in victims { victim.evict() }
    }

    func hasOpen(_ lane: any LaneRunnable) -> Bool { openLanes.withLock { $0[ObjectIdentifier(lane)] != nil } }

    func closed(_ lane: any LaneRunnable) {
        _ = openLanes.withLock { $0.removeValue(forKey: ObjectIdentifier(lane)) }
    }

    /// Lets the workers end once nothing is queued. The lanes' files are closed by their owners before.
    package func close() { ready.close() }
}

/// Counters of all lanes, for `/metrics`. Any thread.
package final class LaneMetrics: Sendable {
    package let batches = Atomic<UInt64>(0)
    package let jobs = Atomic<UInt64>(0)
    package let batchesLost = Atomic<UInt64>(0)
    package let commitsFailed = Atomic<UInt64>(0)
    /// Commits of unknown outcome, and lanes that wait for theirs to be settled.
    package let fences = Atomic<UInt64>(0)
    package let fenced = Atomic<Int>(0)
    /// Operations refused because their file could not be opened or is damaged.
    package let unavailable = Atomic<UInt64>(0)
    package let filesOpened = Atomic<UInt64>(0)
    /// Batches that had committed when the log failed: their callers were told that the outcome is unknown.
    package let batchesUnknown = Atomic<UInt64>(0)
    /// How often a lane waited for the log before it went on.
    package let parked = Atomic<UInt64>(0)
    package let checkpoints = Atomic<UInt64>(0)
    package let commitTime = Histogram(upperBounds: [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000,
    ])
    package let workTime = Histogram(upperBounds: [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000])
    package let batchSize = Histogram(upperBounds: [1, 2, 4, 8, 16, 32, 64, 128, 256])

    func recordBatch(jobs count: Int, workMicroseconds: UInt64, commitMicroseconds: UInt64?) {
        batches.add(1, ordering: .relaxed)
        jobs.add(UInt64(count), ordering: .relaxed)
        batchSize.record(UInt64(count))
        workTime.record(workMicroseconds)
        if let commitMicroseconds { commitTime.record(commitMicroseconds) }
    }
}

/// A histogram of whole numbers with fixed upper bounds, as Prometheus has it. Any thread.
package final class Histogram: Sendable {
    package let upperBounds: [UInt64]
    private let counts: [Counter]
    private let total = Atomic<UInt64>(0)

    private final class Counter: Sendable { let value = Atomic<UInt64>(0) }

    package init(upperBounds: [UInt64]) {
        self.upperBounds = upperBounds
        counts = (0...upperBounds.count).map { _ in Counter() }
    }

    package func record(_ value: UInt64) {
        let place = upperBounds.firstIndex { value <= $0 } ?? upperBounds.count
        counts[place].value.add(1, ordering: .relaxed)
        total.add(value, ordering: .relaxed)
    }

    /// Cumulative counts, one for each upper bound and one for all, and the sum of the values.
    package var snapshot: (cumulative: [UInt64], sum: UInt64) {
        var running: UInt64 = 0
        let cumulative = counts.map { counter -> UInt64 in
            running += counter.value.load(ordering: .relaxed)
            return running
        }
        return (cumulative, total.load(ordering: .relaxed))
    }
}
