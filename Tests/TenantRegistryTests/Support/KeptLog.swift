import SQLite
import Synchronization

@testable import TenantRegistry

/// A log of commits in memory. What is durable the test moves, and it alone. Any thread.
///
/// Invariant: `durable` is the end of a commit, or 0; waiters are called in the order of their LSNs, outside the lock.
final class KeptLog: CommitSink, LaneLog {
    private struct State {
        var commits: [(end: UInt64, bytes: [UInt8])] = []
        var end: UInt64 = 0
        var durable: UInt64 = 0
        /// Ends of the log that a failure made void.
        var voids: [ClosedRange<UInt64>] = []
        var isPrompt = false
        var isFrozen = false
        var isCrowded = false
        var refusal: CommitRefused?
        var waiting: [(lsn: UInt64, then: @Sendable () -> Void)] = []

        func fate(of lsn: UInt64) -> LogFate {
            if voids.contains(where: { $0.contains(lsn) }) { return .lost }
            return lsn <= durable ? .durable : isFrozen ? .lost : .pending
        }

        mutating func takeSettled() -> [@Sendable () -> Void] {
            let all = waiting
            waiting = all.filter { fate(of: $0.lsn) == .pending }
            return all.filter { fate(of: $0.lsn) != .pending }.sorted { $0.lsn < $1.lsn }.map(\.then)
        }
    }

    private let state = Mutex(State())

    func append(_ commit: UnsafeRawBufferPointer) throws(CommitRefused) -> UInt64 {
        let appended: Result<UInt64, CommitRefused> = state.withLock { state in
            if state.isFrozen { return .failure(.failed) }
            if let refusal = state.refusal { return .failure(refusal) }
            state.end += UInt64(commit.count)
            state.commits.append((state.end, Array(commit)))
            return .success(state.end)
        }
        let end = try appended.get()
        if state.withLock({ $0.isPrompt }) { advance() }
        return end
    }

    var durable: UInt64 { state.withLock { $0.durable } }
    func fate(of lsn: UInt64) -> LogFate { state.withLock { $0.fate(of: lsn) } }
    var room: LogRoom { state.withLock { $0.isFrozen ? .failed : $0.isCrowded ? .crowded : .open } }

    func whenSettled(_ lsn: UInt64, _ then: @escaping @Sendable () -> Void) {
        let isNow = state.withLock { state in
            if state.fate(of: lsn) != .pending { return true }
            state.waiting.append((lsn, then))
            return false
        }
        if isNow { then() }
    }

    func whenRoomMay(_ then: @escaping @Sendable () -> Void) { whenSettled(state.withLock { $0.end }, then) }

    // MARK: What the test does

    /// The commits so far, or so many more than are durable, become durable.
    func advance(by count: Int = .max) {
        let called = state.withLock { state in
            let next = state.commits.filter { $0.end > state.durable }.prefix(count)
            state.durable = next.last?.end ?? state.durable
            return state.takeSettled()
        }
        for then in called { then() }
    }

    /// From now on everything is durable at once.
    func keepUp() {
        state.withLock { $0.isPrompt = true }
        advance()
    }

    /// A sync fails: what is not durable is lost, and nothing is taken.
    func fail() {
        let called = state.withLock { state in
            state.isFrozen = true
            return state.takeSettled()
        }
        for then in called { then() }
    }

    /// After a failure: from what is durable, behind all that was lost.
    func goOn() {
        state.withLock { state in
            if state.end > state.durable { state.voids.append(state.durable + 1...state.end) }
            state.commits.removeAll { [durable = state.durable] in $0.end > durable }
            state.durable = state.end
            state.isFrozen = false
        }
    }

    /// Takes no commit any more, or takes them again.
    func refuse(_ refusal: CommitRefused?) { state.withLock { $0.refusal = refusal } }
    func crowd(_ isCrowded: Bool) { state.withLock { $0.isCrowded = isCrowded } }

    /// Commits that it took and did not lose.
    var appended: Int { state.withLock { $0.commits.count } }
    var durableCommits: [(end: UInt64, bytes: [UInt8])] {
        state.withLock { state in state.commits.filter { $0.end <= state.durable } }
    }
}
