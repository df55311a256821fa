import SQLite
import Synchronization

/// A sink in memory: it keeps what commits it was given, and is durable as far as the test says. Any thread.
final class KeptCommits: CommitSink {
    private struct State {
        var commits: [[UInt8]] = []
        var end: UInt64 = 0
        var durable: UInt64 = 0
        var isDurableAtOnce = true
        var refusal: CommitRefused?
    }

    private let state = Mutex(State())

    func append(_ commit: UnsafeRawBufferPointer) throws(CommitRefused) -> UInt64 {
        let result: Result<UInt64, CommitRefused> = state.withLock { state in
            if let refusal = state.refusal { return .failure(refusal) }
            state.commits.append([UInt8](commit))
            state.end += UInt64(commit.count)
            if state.isDurableAtOnce { state.durable = state.end }
            return .success(state.end)
        }
        return try result.get()
    }

    var durable: UInt64 { state.withLock { $0.durable } }
    var commits: [[UInt8]] { state.withLock { $0.commits } }
    var count: Int { state.withLock { $0.commits.count } }

    /// nil: it takes commits again.
    func refuses(_ refusal: CommitRefused?) { state.withLock { $0.refusal = refusal } }

    /// From now on nothing becomes durable, until `catchUp`.
    func hold() { state.withLock { $0.isDurableAtOnce = false } }

    /// All that it has is durable, and so is what comes.
    func catchUp() {
        state.withLock { state in
            state.isDurableAtOnce = true
            state.durable = state.end
        }
    }
}
