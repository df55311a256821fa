import CallKit
import Synchronization
package import TenantRegistry

/// Calls of the pull feed that wait for an event (H4). Their places are few, and whoever finds none is answered at
/// once.
///
/// Invariant: each `begin` is answered once: by an event, when its time is over, or when the node stops. Any thread.
package final class EventWaits: ProcessState {
    package static let secondsMax = 20
    /// Of a reseller, and of a tenant's operators together.
    static let callerMax = 2

    private struct Caller: Hashable {
        let tenant: TenantID
        let reseller: Int64
    }

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
        var callers: [Caller: Int] = [:]
        var tenants: [TenantID: Int] = [:]
    }

    private let nodeMax: Int
    private let tenantMax: Int
    private let state = Mutex(State())

    package convenience init() { self.init(isClustered: false) }

    /// A call that one node passes on to another has a connection between them for as long as it waits.
    package init(isClustered: Bool) { (nodeMax, tenantMax) = isClustered ? (64, 32) : (1_024, 256) }

    /// `reseller`: 0 for operators, who wait for any. `seen`: the signal's count before the file was read. `until`: by
    /// the monotonic clock, in nanoseconds. `done`: whether there may be an event.
    package func begin(
        for record: TenantRecord, reseller: Int64, since seen: Int, until: UInt64,
        _ done: @escaping @Sendable (Bool) -> Void
    ) {
        let caller = Caller(tenant: record.id, reseller: reseller)
        let ticket: Int? = state.withLock { state in
            guard !state.isOver, state.waits.count < nodeMax, state.tenants[record.id, default: 0] < tenantMax,
                state.callers[caller, default: 0] < Self.callerMax
            else { return nil }
            state.lastTicket += 1
            state.callers[caller, default: 0] += 1
            state.tenants[record.id, default: 0] += 1
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
        let wait: Wait? = state.withLock { state in
            guard let wait = state.waits.removeValue(forKey: ticket) else { return nil }
            let caller = Caller(tenant: wait.record.id, reseller: wait.reseller)
            let (ofCaller, ofTenant) = ((state.callers[caller] ?? 1) - 1, (state.tenants[caller.tenant] ?? 1) - 1)
            state.callers[caller] = ofCaller == 0 ? nil : ofCaller
            state.tenants[caller.tenant] = ofTenant == 0 ? nil : ofTenant
            return wait
        }
        guard let wait else { return }
        if !hasCome { wait.record.events.forget(ticket, of: wait.reseller) }
        wait.done(hasCome)
    }
}
