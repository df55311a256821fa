import CallKit
import RateLimiter
import Synchronization
package import TenantRegistry

/// A reconciliation under way, for those who watch it (O8). Any thread.
package final class ReconciliationRun: Sendable {
    package enum Stage: UInt8, Sendable, AtomicRepresentable {
        case reading
        case sorting
        case comparing

        package var name: String {
            switch self {
            case .reading: "reading"
            case .sorting: "sorting"
            case .comparing: "comparing"
            }
        }
    }

    package let publicID: String
    package let scope: ReconcileCredits.Scope
    package let startedAt: Timestamp
    private let stageNow = Atomic<Stage>(.reading)
    private let linesRead = Atomic<Int>(0)
    private let linesCompared = Atomic<Int>(0)

    init(publicID: String, scope: ReconcileCredits.Scope, startedAt: Timestamp) {
        self.publicID = publicID
        self.scope = scope
        self.startedAt = startedAt
    }

    package var stage: Stage { stageNow.load(ordering: .relaxed) }
    package var lines: Int { linesRead.load(ordering: .relaxed) }
    package var compared: Int { linesCompared.load(ordering: .relaxed) }

    func enter(_ stage: Stage) { stageNow.store(stage, ordering: .relaxed) }
    func read(_ count: Int) { linesRead.add(count, ordering: .relaxed) }
    func compare(_ count: Int) { linesCompared.store(count, ordering: .relaxed) }
}

/// The reconciliations that run now, by tenant. They are nowhere else: a restart forgets them, as it does their files.
package final class RunningReconciliations: ProcessState {
    private struct Entry {
        let run: ReconciliationRun
        /// Among all that run on the node.
        let place: SharedRoom
    }

    private let runs = Mutex<[TenantID: [Entry]]>([:])

    /// Oldest first.
    package func all(of tenant: TenantID) -> [ReconciliationRun] { runs.withLock { $0[tenant] ?? [] }.map(\.run) }

    package func run(_ publicID: String, of tenant: TenantID) -> ReconciliationRun? {
        all(of: tenant).first { $0.publicID == publicID }
    }

    func begin(
        _ run: ReconciliationRun, of tenant: TenantID, placedBy places: Shares, _ payer: Payer
    ) throws(Refusal) {
        guard let place = places.place(for: payer) else { throw .unavailable(.reconciliationsRunning) }
        runs.withLock { $0[tenant, default: []].append(Entry(run: run, place: place)) }
    }

    func end(_ run: ReconciliationRun, of tenant: TenantID) {
        runs.withLock { runs in
            runs[tenant]?.removeAll { $0.run === run }
            if runs[tenant]?.isEmpty == true { runs[tenant] = nil }
        }
    }
}
