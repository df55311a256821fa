import Synchronization

/// Two threads for the steps of calls that take several. Each step is short; what is long goes to the background pool,
/// so that strangers' passwords hold no flow up. Any thread.
package final class FlowPool: TaskExecutor {
    /// Flows under way: past this a new one is refused.
    package static let flowsMax = 4_096

    private let queue = WaitingQueue<UnownedJob>()
    private let underWay = Atomic<Int>(0)

    package init(threads: Int = 2) {
        for index in 0..<threads {
            startThread("flows-\(index)") { [queue, self] in
                while let job = queue.take() { job.runSynchronously(on: asUnownedTaskExecutor()) }
            }
        }
    }

    /// Begins a flow; false where too many are under way.
    package func begin(_ flow: @escaping @Sendable () async -> Void) -> Bool {
        if underWay.add(1, ordering: .relaxed).newValue > Self.flowsMax {
            underWay.subtract(1, ordering: .relaxed)
            return false
        }
        Task(executorPreference: self) { [self] in
            await flow()
            underWay.subtract(1, ordering: .relaxed)
        }
        return true
    }

    /// A step of a flow under way; bounded by them.
    package func enqueue(_ job: consuming ExecutorJob) { queue.put(UnownedJob(job)) }

    /// Waits until no flow is under way, so long at most. For the end of the process.
    package func drain(withinMilliseconds limit: Int) {
        var waited = 0
        while underWay.load(ordering: .relaxed) > 0 && waited < limit {
            pause(milliseconds: Self.drainStepMilliseconds)
            waited += Self.drainStepMilliseconds
        }
    }

    private static let drainStepMilliseconds = 5

    package func close() { queue.close() }
}
