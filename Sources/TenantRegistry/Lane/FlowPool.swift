package import RateLimiter

/// Two threads for the steps of calls that take several. Each step is short; what is long goes to the background pool,
/// so that strangers' passwords hold no flow up. Any thread.
package final class FlowPool: TaskExecutor {
    private let queue = WaitingQueue<UnownedJob>()
    private let places: Shares

    /// `places`: for flows under way.
    package init(places: Shares, threads: Int = 2) {
        self.places = places
        for index in 0..<threads {
            startThread("flows-\(index)") { [queue, self] in
                while let job = queue.take() { job.runSynchronously(on: asUnownedTaskExecutor()) }
            }
        }
    }

    /// Flows under way. For metrics.
    package var underWay: Int { places.inUse }

    /// Begins a flow; false where too many of this payer are under way.
    package func begin(of payer: Payer = .node, _ flow: @escaping @Sendable () async -> Void) -> Bool {
        guard places.enter(payer) == nil else { return false }
        Task(executorPreference: self) { [self] in
            await flow()
            places.leave(payer)
        }
        return true
    }

    /// A step of a flow under way; bounded by them.
    package func enqueue(_ job: consuming ExecutorJob) { queue.put(UnownedJob(job)) }

    /// Waits until no flow is under way, so long at most. For the end of the process.
    package func drain(withinMilliseconds limit: Int) {
        var waited = 0
        while underWay > 0 && waited < limit {
            pause(milliseconds: Self.drainStepMilliseconds)
            waited += Self.drainStepMilliseconds
        }
    }

    private static let drainStepMilliseconds = 5

    package func close() { queue.close() }
}
