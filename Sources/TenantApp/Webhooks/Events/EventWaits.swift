import CallKit
import Synchronization
package import TenantRegistry

/// Calls of the pull feed that wait for an event (H4). Whoever begins one holds a place for it (`Budgets.eventWaits`).
///
/// Invariant: each `begin` is answered once: by an event, when its time is over, or when the node stops. Any thread.
package final class EventWaits: ProcessState {
    package static let secondsMax = 20

    private struct Wait {
        let record: TenantRecord
        let reseller: Int64
        let until: UInt64
        let done: @Sendable (Bool) -> Void
    }

    private struct State {
        var isOver = false
        var lastTicket = 0
        var waits: [Int: Wait] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// `reseller`: 0 for operators, who wait for any. `seen`: the signal's count before the file was read. `until`: by
    /// the monotonic clock, in nanoseconds. `done`: whether there may be an event.
    package func begin(
        for record: TenantRecord, reseller: Int64, since seen: Int, until: UInt64,
        _ done: @escaping @Sendable (Bool) -> Void
    ) {
        let ticket: Int? = state.withLock { state in
            guard !state.isOver else { return nil }
            state.lastTicket += 1
            state.waits[state.lastTicket] = Wait(record: record, reseller: reseller, until: until, done: done)
            return state.lastTicket
        }
        guard let ticket else { return done(false) }
        let waits = record.events.wait(for: reseller, as: ticket, since: seen) { [weak self] in
            self?.end(ticket, hasCome: true)
        }
        if !waits { end(ticket, hasCome: true) }
    }

    /// Each second.
    package func tick(_ now: UInt64) {
        let over = state.withLock { state in state.waits.filter { $0.value.until <= now }.map(\.key) }
        for ticket in over { end(ticket, hasCome: false) }
    }

    /// All are answered, and nobody waits any more.
    package func close() {
        let all = state.withLock { state in
            state.isOver = true
            return Array(state.waits.keys)
        }
        for ticket in all { end(ticket, hasCome: false) }
    }

    private func end(_ ticket: Int, hasCome: Bool) {
        guard let wait = state.withLock({ $0.waits.removeValue(forKey: ticket) }) else { return }
        if !hasCome { wait.record.events.forget(ticket, of: wait.reseller) }
        wait.done(hasCome)
    }
}
