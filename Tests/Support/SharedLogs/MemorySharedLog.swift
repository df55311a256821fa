package import Cryptography
import Foundation
import Synchronization
package import TenantRegistry

/// One node's way to a `MemoryLogStore`: the log that nodes share, without a database, with faults where a test wants
/// them.
///
/// Any thread. Verdicts come on a thread of its own, in the order of the appends, without a lock held.
package final class MemorySharedLog: SharedLog {
    package let store: MemoryLogStore
    package let faults: LogFaults
    private let figures = Mutex(SharedLogStanding())
    private let reachable = Mutex(true)
    let line = AppendLine()

    package init(_ store: MemoryLogStore = MemoryLogStore(), _ faults: LogFaults = LogFaults()) {
        (self.store, self.faults) = (store, faults)
        let line = line
        startThread("memory-log") { line.run() }
    }

    deinit { line.close() }

    /// One statement, where the log can be reached.
    private func call<Value: Sendable>(
        isBeat: Bool = false, _ body: (inout MemoryLogState) throws(SharedLogError) -> Value
    ) throws(SharedLogError) -> Value {
        switch faults.pass(isBeat: isBeat) {
        case .free: break
        case .away: throw .away("no connection")
        case .crashed: throw .away("this node has crashed")
        }
        store.tick()
        let result = try store.state.withLock { state throws(SharedLogError) in try body(&state) }
        reachable.withLock { $0 = true }
        return result
    }

    // MARK: Nodes

    package func join(_ node: ClusterNode) throws(SharedLogError) -> Int64 {
        try call { state throws(SharedLogError) in try state.join(node) }
    }

    package func beat(
        _ name: NodeName, generation: Int64, state: NodeState, ownersSince seen: Int64
    ) throws(SharedLogError) -> ClusterView? {
        faults.begin(.beat)
        return try call(isBeat: true) { $0.beat(name, generation: generation, state: state, ownersSince: seen) }
    }

    package func claim(
        _ tenants: [TenantID], of owner: NodeName, seen: ClusterView.Node?, by node: NodeName
    ) throws(SharedLogError) -> [TenantID]? {
        faults.begin(.claim)
        return try call { $0.claim(tenants, of: owner, seen: seen, by: node) }
    }

    package func hand(_ tenant: TenantID, from node: NodeName, to other: NodeName) throws(SharedLogError) {
        try call { state throws(SharedLogError) in try state.hand(tenant, from: node, to: other) }
    }

    package func note(registry schema: Int32) throws(SharedLogError) {
        try call { $0.registrySchema = max($0.registrySchema, schema) }
    }

    package func forget(_ name: NodeName) throws(SharedLogError) {
        try call { state throws(SharedLogError) in try state.forget(name) }
    }

    package func save(levels: [UInt8], of node: NodeName) throws(SharedLogError) {
        try call { $0.nodes[node]?.levels = levels }
    }

    package func levels(of node: NodeName) throws(SharedLogError) -> [UInt8]? {
        if faults.losesLevels() { throw .away("the answer was lost") }
        return try call { $0.nodes[node]?.levels }
    }

    // MARK: Heads

    package func create(_ tenant: TenantID, owner: NodeName) throws(SharedLogError) {
        try call { state throws(SharedLogError) in try state.create(tenant, owner: owner) }
    }

    package func head(of tenant: TenantID) throws(SharedLogError) -> SharedHead? {
        try call { $0.tenants[tenant]?.head }
    }

    package func open(_ tenant: TenantID, as node: NodeName, key: [UInt8]) throws(SharedLogError) -> any SharedStream {
        let head = try call { state throws(SharedLogError) in try state.open(tenant, as: node) }
        return MemoryLogStream(self, tenant, head, seal: SHA256.hash(key))
    }

    package func openForAll(_ tenant: TenantID, key: [UInt8]) throws(SharedLogError) -> any SharedStream {
        let head = try call { state throws(SharedLogError) in try state.openForAll(tenant) }
        return MemoryLogStream(self, tenant, head, seal: SHA256.hash(key))
    }

    package func remove(_ tenant: TenantID) throws(SharedLogError) { try call { $0.tenants[tenant] = nil } }

    // MARK: What was written

    package func records(
        of tenant: TenantID, after sequence: UInt64, chain: Digest, upTo last: UInt64, key: [UInt8],
        _ body: (SharedRecord) throws -> Void
    ) throws -> Digest {
        var chain = chain
        let seal = SHA256.hash(key)
        for place in (sequence + 1)..<max(last + 1, sequence + 1) {
            let found = try call { $0.tenants[tenant]?.records[place] }
            guard let record = found, !record.isReset else {
                throw SharedLogError.damaged("record \(place) is missing")
            }
            chain = MemoryLogState.chain(chain, record.epoch, place, SHA256.hash(record.payload))
            guard chain == record.chain, seal == record.seal else {
                throw SharedLogError.damaged("record \(place) is not what was written")
            }
            try body(SharedRecord(sequence: place, epoch: record.epoch, payload: record.payload))
        }
        return chain
    }

    package func chain(of tenant: TenantID, at sequence: UInt64) throws(SharedLogError) -> Digest? {
        try call { $0.chain(of: tenant, at: sequence) }
    }

    package func snapshots(of tenant: TenantID) throws(SharedLogError) -> [SharedSnapshot] {
        try call { state in
            let whole = state.tenants[tenant]?.snapshots.filter(\.isWhole) ?? []
            return whole.sorted { ($0.sequence, $0.number) > ($1.sequence, $1.number) }.map(\.shared)
        }
    }

    package func tails(of node: NodeName) throws(SharedLogError) -> [SharedTail] { try call { $0.tails(of: node) } }

    package func read(
        _ snapshot: SharedSnapshot, of tenant: TenantID, key: [UInt8], _ body: ([UInt8]) throws -> Void
    ) throws {
        let found = try call { state in
            state.tenants[tenant]?.snapshots.last { $0.isWhole && $0.shared == snapshot }
        }
        guard let found else { throw SharedLogError.damaged("the snapshot is missing") }
        guard found.seal == SHA256.hash(key) else { throw SharedLogError.damaged("the snapshot has another key") }
        for (place, piece) in found.pieces.enumerated() {
            if case .free = faults.pass() {} else { throw SharedLogError.away("no connection") }
            // The last piece is the one that does not come.
            guard !found.isDamaged || place < found.pieces.count - 1 else {
                throw SharedLogError.damaged("the snapshot is not what was written")
            }
            try body(piece)
        }
    }

    package func past(of tenant: TenantID, at moment: Timestamp) throws(SharedLogError) -> SharedPast {
        try call { state throws(SharedLogError) in try state.past(of: tenant, at: moment) }
    }

    package func trim(
        _ tenant: TenantID, before oldest: UInt64, keepingDays days: Int64
    ) throws(SharedLogError) {
        try call { $0.trim(tenant, before: oldest, keepingDays: days) }
    }

    // MARK: How it is

    package var standing: SharedLogStanding {
        var standing = figures.withLock { $0 }
        standing.waiting = line.waiting
        return standing
    }

    package func lookAtStandbys() {}

    package var isReachable: Bool { !faults.isAway && !faults.isCrashed && reachable.withLock { $0 } }

    /// What waits is told `.unknown`.
    package func close() { faults.crash() }

    func count(_ change: (inout SharedLogStanding) -> Void) { figures.withLock { change(&$0) } }

    func tell(isReachable: Bool) { reachable.withLock { $0 = isReachable } }

    /// Pieces of a snapshot on their way.
    func snapshotCall<Value: Sendable>(
        _ body: (inout MemoryLogState) throws(SharedLogError) -> Value
    ) throws(SharedLogError) -> Value { try call(body) }
}

/// What a node has appended, one after the other, until its thread has made it so. Any thread.
///
/// `@unchecked Sendable`: what changes is touched under `condition` only.
final class AppendLine: @unchecked Sendable {
    private let condition = NSCondition()
    private var tasks: [@Sendable () -> Void] = []
    private var isClosed = false

    var waiting: Int {
        condition.lock()
        defer { condition.unlock() }
        return tasks.count
    }

    func add(_ task: @escaping @Sendable () -> Void) {
        condition.lock()
        tasks.append(task)
        condition.signal()
        condition.unlock()
    }

    /// Nobody adds anything any more; what waits is made still.
    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }

    func run() {
        while true {
            condition.lock()
            while tasks.isEmpty && !isClosed { condition.wait() }
            let batch = tasks
            tasks = []
            condition.unlock()
            if batch.isEmpty { return }
            for task in batch { task() }
        }
    }
}
