import Synchronization

/// How long the thread that seals a backup stands still between two pieces (P11): long where the lanes have work, so
/// that an order costs hardly more meanwhile; not at all on a node at rest. Measured in processor time, so that a
/// backup on a crowded machine comes to its end. Any thread.
final class CopyPace: Sendable {
    /// What a backup takes besides, in lanes and loops, is about as much again.
    private static let restOfBusy: UInt64 = 12
    /// With a job more often than that the lanes are busy: 50 a second.
    private static let idleNanosecondsPerJob: UInt64 = 20_000_000
    private static let windowNanoseconds: UInt64 = 100_000_000

    private struct Look {
        var jobs: UInt64
        var at: UInt64
        var isBusy = false
    }

    private let metrics: LaneMetrics
    private let monotonic: any MonotonicClock
    private let last: Mutex<Look>

    init(_ metrics: LaneMetrics, _ monotonic: any MonotonicClock) {
        self.metrics = metrics
        self.monotonic = monotonic
        last = Mutex(Look(jobs: metrics.jobs.load(ordering: .relaxed), at: monotonic.nanoseconds()))
    }

    /// How many times the processor time that a piece took.
    func rest() -> UInt64 {
        let (now, jobs) = (monotonic.nanoseconds(), metrics.jobs.load(ordering: .relaxed))
        let isBusy = last.withLock { last in
            let (elapsed, done) = (now &- last.at, jobs &- last.jobs)
            guard elapsed >= Self.windowNanoseconds else { return last.isBusy }
            let isBusy = Self.isBusy(jobs: done, nanoseconds: elapsed)
            last = Look(jobs: jobs, at: now, isBusy: isBusy)
            return isBusy
        }
        return isBusy ? Self.restOfBusy : 0
    }

    /// By division alone: weeks of many jobs may lie between two looks.
    static func isBusy(jobs: UInt64, nanoseconds: UInt64) -> Bool { jobs > nanoseconds / idleNanosecondsPerJob }
}
