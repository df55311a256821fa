package import Cryptography
import Synchronization
package import TenantRegistry

/// The database of a cluster in memory, whose nodes reach it by a `MemorySharedLog` each. Any thread.
///
/// What a test does here befalls the log itself, and so all nodes; what befalls one node is its link's (`LogFaults`).
package final class MemoryLogStore: Sendable {
    /// An append that a connection still carries, though whoever sent it has given it up.
    private struct Travelling: Sendable {
        let tenant: TenantID
        let sequence: UInt64
        let record: MemoryLogState.Record
        /// Calls of any node until it arrives.
        var callsLeft: Int
    }

    /// Late arrivals: what became of them.
    package struct Arrivals: Sendable, Equatable {
        package var refused = 0
        package var landed = 0

        package init(refused: Int = 0, landed: Int = 0) { (self.refused, self.landed) = (refused, landed) }
    }

    /// Everything that the log held at one moment.
    package struct Picture: Sendable {
        fileprivate let state: MemoryLogState
    }

    let state: Mutex<MemoryLogState>
    private let travelling = Mutex<[Travelling]>([])
    private let arrived = Mutex(Arrivals())

    package init(clock: any WallClock = SystemClock()) { state = Mutex(MemoryLogState(clock: clock)) }

    /// A node's way to it, which fails by itself.
    package func link(_ faults: LogFaults = LogFaults()) -> MemorySharedLog { MemorySharedLog(self, faults) }

    // MARK: What a test does to it

    package var picture: Picture { Picture(state: state.withLock { $0 }) }

    /// The log is what it was then, as after a restore by its provider.
    package func goBack(to picture: Picture) { state.withLock { $0 = picture.state } }

    /// The record's bytes are others than were written.
    package func damage(_ tenant: TenantID, at sequence: UInt64) {
        state.withLock { state in
            guard let payload = state.tenants[tenant]?.records[sequence]?.payload, !payload.isEmpty else { return }
            state.tenants[tenant]?.records[sequence]?.payload[payload.count / 2] ^= 0x40
        }
    }

    /// The record is not there any more.
    package func lose(_ tenant: TenantID, at sequence: UInt64) {
        state.withLock { _ = $0.tenants[tenant]?.records.removeValue(forKey: sequence) }
    }

    /// The newest snapshots, so many of them, cannot be read to their end.
    package func damageSnapshots(of tenant: TenantID, newest count: Int = 1) {
        state.withLock { state in
            let whole = state.tenants[tenant]?.snapshots.filter(\.isWhole).sorted { $0.sequence > $1.sequence } ?? []
            for snapshot in whole.prefix(count) { state.change(snapshot.number, of: tenant) { $0.isDamaged = true } }
        }
    }

    /// Somebody raises the epoch, whose name nobody learns: every writer of that tenant is ended.
    package func raise(_ tenant: TenantID) { state.withLock { _ = $0.raise(tenant) } }

    package func head(of tenant: TenantID) -> SharedHead? { state.withLock { $0.tenants[tenant]?.head } }

    /// Tenants by their owner, the registry left out.
    package var owners: [TenantID: NodeName] { state.withLock { $0.tenants.compactMapValues(\.head.owner) } }

    /// What a node last said of itself.
    package func nodeState(of name: NodeName) -> NodeState? { state.withLock { $0.nodes[name]?.state } }

    package func chain(of tenant: TenantID, at sequence: UInt64) -> Digest? {
        state.withLock { $0.chain(of: tenant, at: sequence) }
    }

    /// What is wrong with a tenant's history: nil where each record follows the one before it from the oldest snapshot
    /// on, under an epoch that never sinks, and the head is the last.
    package func fault(in tenant: TenantID) -> String? { state.withLock { $0.tenants[tenant]?.fault } }

    /// Every record that is there, by sequence, resets left out.
    package func sequences(of tenant: TenantID) -> [UInt64] {
        state.withLock { state in
            (state.tenants[tenant]?.records ?? [:]).filter { !$0.value.isReset }.keys.sorted()
        }
    }

    /// Whole ones.
    package func snapshotCount(of tenant: TenantID) -> Int {
        state.withLock { $0.tenants[tenant]?.snapshots.count { $0.isWhole } ?? 0 }
    }

    // MARK: Late arrivals

    package var arrivals: Arrivals { arrived.withLock { $0 } }

    /// It arrives when the nodes have made so many calls.
    func send(
        _ tenant: TenantID, sequence: UInt64, _ record: MemoryLogState.Record, arrivingAfterCalls calls: Int
    ) {
        let late = Travelling(tenant: tenant, sequence: sequence, record: record, callsLeft: calls)
        travelling.withLock { $0.append(late) }
    }

    /// A node makes a call.
    func tick() {
        let due = travelling.withLock { all in
            for place in all.indices { all[place].callsLeft -= 1 }
            defer { all.removeAll { $0.callsLeft <= 0 } }
            return all.filter { $0.callsLeft <= 0 }
        }
        arrive(due)
    }

    /// Everything arrives that still travels.
    package func deliverLate() {
        let due = travelling.withLock { all in
            defer { all = [] }
            return all
        }
        arrive(due)
    }

    private func arrive(_ due: [Travelling]) {
        for late in due {
            let landed = state.withLock { $0.append(late.tenant, sequence: late.sequence, late.record) }
            arrived.withLock { if landed { $0.landed += 1 } else { $0.refused += 1 } }
        }
    }
}
