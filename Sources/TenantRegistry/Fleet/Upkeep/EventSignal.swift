import Synchronization

/// Who waits for the next event of a tenant's reseller; 0: of any. Any thread.
///
/// Invariant: whoever waits since a count is called once, by the first commit of an event behind that count, or when
/// the tenant leaves this node. What came between the look at the file and the wait is not missed.
package final class EventSignal: Sendable {
    private struct State {
        /// Commits since the node started.
        var counts: [Int64: Int] = [:]
        /// How often the tenant has left this node since then.
        var departures = 0
        var waiting: [Int64: [Int: @Sendable () -> Void]] = [:]

        func count(of reseller: Int64) -> Int { counts[reseller, default: 0] + departures }
    }

    private let state = Mutex(State())

    package func count(of reseller: Int64) -> Int { state.withLock { $0.count(of: reseller) } }

    /// `then` must not block. False where an event has come since `count`: then it is not called.
    package func wait(
        for reseller: Int64, as ticket: Int, since count: Int, _ then: @escaping @Sendable () -> Void
    ) -> Bool {
        state.withLock { state in
            guard state.count(of: reseller) == count else { return false }
            state.waiting[reseller, default: [:]][ticket] = then
            return true
        }
    }

    package func forget(_ ticket: Int, of reseller: Int64) {
        state.withLock { state in
            state.waiting[reseller]?[ticket] = nil
            if state.waiting[reseller]?.isEmpty == true { state.waiting[reseller] = nil }
        }
    }

    /// The tenant goes to another node, or is gone: its next events are not committed here, and all who wait look anew.
    func wakeAll() {
        let waiting = state.withLock { state in
            state.departures += 1
            defer { state.waiting = [:] }
            return state.waiting.values.flatMap(\.values)
        }
        for then in waiting { then() }
    }

    /// An event of this reseller is committed.
    func signal(_ reseller: Int64) {
        let waiting = state.withLock { state in
            var waiting: [@Sendable () -> Void] = []
            for key in [reseller, 0] {
                state.counts[key, default: 0] += 1
                if let others = state.waiting.removeValue(forKey: key) { waiting += others.values }
            }
            return waiting
        }
        for then in waiting { then() }
    }
}
