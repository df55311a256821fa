import Synchronization

/// What is to be done for tenants' past, a piece at a time (B2). Any thread.
final class PastWork: Sendable {
    private struct State {
        /// Tenants that may want a base, in the order in which they came to.
        var wanted: [TenantID] = []
        var isBusy = false
        /// When all tenants were looked through last.
        var looked: UInt64?
    }

    private let state = Mutex(State())

    /// The tenant has another file than before.
    func want(_ id: TenantID) { state.withLock { $0.wanted.append(id) } }

    /// All that stand here; nobody does any more.
    func takeAll() -> [TenantID] {
        state.withLock { state in
            defer { state.wanted = [] }
            return state.wanted
        }
    }

    /// False while something is being done.
    func begin() -> Bool {
        state.withLock { state in
            defer { state.isBusy = true }
            return !state.isBusy
        }
    }

    func end() { state.withLock { $0.isBusy = false } }

    /// Whether it is time to look through all tenants.
    func isTimeToLook(now: UInt64, every nanoseconds: UInt64) -> Bool {
        state.withLock { state in
            if let looked = state.looked, now &- looked < nanoseconds { return false }
            state.looked = now
            return true
        }
    }
}
