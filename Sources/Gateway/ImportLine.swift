import RateLimiter
import Synchronization
import TenantRegistry

/// Large bodies that have come in whole, on disk, and wait to be read into memory: a few at a time, tenants in turns
/// (G6). Any thread.
final class ImportLine: Sendable {
    /// Held as long as an import is in memory; when nobody holds it any more, the next one's turn comes.
    final class Turn: Sendable {
        private let line: ImportLine

        fileprivate init(_ line: ImportLine) { self.line = line }

        deinit { line.ended() }
    }

    private struct State {
        var waiting = Turns<@Sendable (Turn) -> Void>()
        var running = 0
    }

    private let runningMax: Int
    private let places: Shares
    private let state = Mutex(State())

    init(_ budgets: Budgets) {
        runningMax = budgets.figures[.importsRunning]
        places = budgets.imports
    }

    /// Calls `task` when its turn has come; false where too many of the payer wait. `task` must not block.
    func wait(_ payer: Payer, then task: @escaping @Sendable (Turn) -> Void) -> Bool {
        guard places.enter(payer) == nil else { return false }
        state.withLock { $0.waiting.append(task, of: payer) }
        next()
        return true
    }

    private func ended() {
        state.withLock { $0.running -= 1 }
        next()
    }

    private func next() {
        let first: (Payer, @Sendable (Turn) -> Void)? = state.withLock { state in
            guard state.running < runningMax, let first = state.waiting.popFirst() else { return nil }
            state.running += 1
            return first
        }
        guard let (payer, task) = first else { return }
        places.leave(payer)
        task(Turn(self))
    }
}
