import Glibc
package import RateLimiter
import Synchronization

/// A few threads for work that is too long for a loop or a lane: scrypt, parsing of large bodies, exports. Tenants take
/// turns, and payers within a tenant, so that what one of them puts in holds up nobody else's for longer than what
/// runs. Any thread.
package final class BackgroundPool: Sendable {
    private struct Waiting: Sendable {
        let run: @Sendable () -> Void
        /// Called instead, where it gives its place up to another payer; nil: it never does.
        let refuse: (@Sendable () -> Void)?
    }

    private let line = Mutex(Turns<Waiting>())
    /// One for each task that waits; takers wait for it.
    private let signals = WaitingQueue<Void>()
    private let places: Shares

    /// `places`: how many tasks may wait. `isPolite`: its threads yield the processor to all others. `rest`: how many
    /// times the processor time that a task took its thread stands still behind it.
    package init(
        name: String, threads: Int, places: Shares, isPolite: Bool = false, rest: (@Sendable () -> UInt64)? = nil
    ) {
        self.places = places
        for index in 0..<threads {
            startThread("\(name)-\(index)") { [signals, self] in
                if isPolite { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.politeness) }
                while signals.take() != nil {
                    guard let (payer, task) = line.withLock({ $0.popFirst() }) else { continue }
                    places.leave(payer)
                    guard let rest else {
                        task.run()
                        continue
                    }
                    let before = threadNanoseconds()
                    task.run()
                    let nanoseconds = (threadNanoseconds() - before) * rest()
                    usleep(UInt32(min(nanoseconds / 1_000, Self.restMicrosecondsMax)))
                }
            }
        }
    }

    private static let restMicrosecondsMax: UInt64 = 50_000

    /// As nice(2) has it: a third of the share that the loops and lanes get where all want the processor.
    /// Linux knows it by thread.
    private static let politeness: Int32 = 5

    /// Tasks that wait for a thread. For metrics.
    package var waitingTasks: Int { places.inUse }

    /// False where the payer's places are taken, and then nothing happens; the caller answers 503. Where a tenant has
    /// no room, whoever of it has most gives a place up: `refuse` of its newest task that has one is called instead of
    /// the task. A task without one runs once it was let in.
    package func submit(
        of payer: Payer = .node, orElse refuse: (@Sendable () -> Void)? = nil, _ task: @escaping @Sendable () -> Void
    ) -> Bool {
        if let full = places.enter(payer) {
            guard refuse != nil, full == .tenant,
                let yielded = line.withLock({ $0.yield(to: payer, where: { $0.refuse != nil }) })
            else { return false }
            places.leave(yielded.0)
            yielded.1.refuse?()
            guard places.enter(payer) == nil else { return false }
        }
        line.withLock { $0.append(Waiting(run: task, refuse: refuse), of: payer) }
        // Also in another's place: a thread may have taken that one's signal and found nothing.
        signals.put(())
        return true
    }

    package func close() { signals.close() }
}

/// Processor time of this thread.
private func threadNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
