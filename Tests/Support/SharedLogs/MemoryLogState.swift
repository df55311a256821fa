import Cryptography
import TenantRegistry

/// Everything that the database would have, and what its statements do to it. A value, behind the store's mutex.
struct MemoryLogState: Sendable {
    struct Record: Sendable {
        let epoch: UInt64
        let chain: Digest
        var payload: [UInt8]
        /// Of the key that it is sealed with.
        let seal: Digest
        /// It stands for a snapshot, and nobody reads it.
        let isReset: Bool
        /// When it landed.
        var at = Timestamp.earliest
    }

    struct Snapshot: Sendable {
        let number: Int
        let seal: Digest
        var sequence: UInt64
        var chain: Digest
        var pieces: [[UInt8]] = []
        var isWhole = false
        var isDamaged = false
        /// When it was put.
        var at = Timestamp.earliest
    }

    struct Tenant: Sendable {
        var head: SharedHead
        /// The count of changes at which it came to its owner.
        var ownedSince: Int64
        var records: [UInt64: Record] = [:]
        var snapshots: [Snapshot] = []
    }

    struct Node: Sendable {
        var description: ClusterNode
        var generation: Int64
        var state = NodeState.draining
        var beats: Int64 = 0
        var levels: [UInt8]?
    }

    /// Of the database.
    let clock: any WallClock
    var tenants: [TenantID: Tenant] = [:]
    var nodes: [NodeName: Node] = [:]
    var keyPrint: Digest?
    var registrySchema: Int32 = 0
    /// Counts changes of owners.
    var ownersAt: Int64 = 0
    private var generations: Int64 = 0
    private var snapshotNumbers = 0

    init(clock: any WallClock) { self.clock = clock }

    // MARK: Nodes

    mutating func join(_ node: ClusterNode) throws(SharedLogError) -> Int64 {
        if let keyPrint, keyPrint != node.keyPrint { throw .refused("the nodes of a cluster have one master key") }
        keyPrint = node.keyPrint
        generations += 1
        let levels = nodes[node.name]?.levels
        nodes[node.name] = Node(description: node, generation: generations, levels: levels)
        return generations
    }

    mutating func beat(_ name: NodeName, generation: Int64, state: NodeState, ownersSince seen: Int64) -> ClusterView? {
        guard nodes[name]?.generation == generation else { return nil }
        nodes[name]?.beats += 1
        nodes[name]?.state = state
        // A log that went back to an older moment knows less than its reader: all of it is news.
        let since = seen > ownersAt ? 0 : seen
        let owners = tenants.compactMap { id, tenant -> ClusterView.Owner? in
            guard let owner = tenant.head.owner, tenant.ownedSince > since else { return nil }
            return ClusterView.Owner(tenant: id, node: owner)
        }
        var view = ClusterView(
            nodes: nodes.values.sorted { $0.description.name < $1.description.name }.map(\.view),
            owners: owners, ownersAt: ownersAt, registrySequence: tenants[.registry]?.head.sequence ?? 0)
        view.registrySchema = registrySchema
        return view
    }

    mutating func forget(_ name: NodeName) throws(SharedLogError) {
        guard let node = nodes[name] else { return }
        guard node.state == .left else { throw .refused("node \(name.text) has not left") }
        guard !tenants.values.contains(where: { $0.head.owner == name }) else {
            throw .refused("node \(name.text) has tenants")
        }
        nodes[name] = nil
    }

    // MARK: Heads

    mutating func create(_ id: TenantID, owner: NodeName?) throws(SharedLogError) {
        guard tenants[id] == nil else { throw .exists }
        ownersAt += 1
        let head = SharedHead(owner: owner, epoch: 0, sequence: 0, chain: .zero, resetAt: 0)
        tenants[id] = Tenant(head: head, ownedSince: ownersAt)
    }

    mutating func open(_ id: TenantID, as node: NodeName) throws(SharedLogError) -> SharedHead {
        guard let head = tenants[id]?.head else { throw .unknown }
        guard head.owner == node else { throw .notOwner(head.owner) }
        return raise(id) ?? head
    }

    mutating func openForAll(_ id: TenantID) throws(SharedLogError) -> SharedHead {
        if tenants[id] == nil { try create(id, owner: nil) }
        guard let head = tenants[id]?.head else { throw .unknown }
        guard head.owner == nil else { throw .notOwner(head.owner) }
        return head
    }

    /// Whoever wrote before writes no more.
    @discardableResult
    mutating func raise(_ id: TenantID) -> SharedHead? {
        tenants[id]?.head.epoch += 1
        return tenants[id]?.head
    }

    mutating func hand(_ id: TenantID, from node: NodeName, to other: NodeName) throws(SharedLogError) {
        guard let head = tenants[id]?.head else { throw .unknown }
        guard head.owner == node else { throw .notOwner(head.owner) }
        ownersAt += 1
        tenants[id]?.head.owner = other
        tenants[id]?.head.epoch += 1
        tenants[id]?.ownedSince = ownersAt
    }

    mutating func claim(
        _ ids: [TenantID], of owner: NodeName, seen: ClusterView.Node?, by node: NodeName
    ) -> [TenantID]? {
        guard nodes[owner]?.generation == seen?.generation, nodes[owner]?.beats == seen?.beats else { return nil }
        return ids.filter { id in
            guard tenants[id]?.head.owner == owner else { return false }
            return (try? hand(id, from: owner, to: node)) != nil
        }
    }

    // MARK: What is written

    static func chain(_ before: Digest, _ epoch: UInt64, _ sequence: UInt64, _ payload: Digest) -> Digest {
        var hash = SHA256Stream()
        hash.update(before)
        withUnsafeBytes(of: (epoch.littleEndian, sequence.littleEndian)) { hash.update($0) }
        hash.update(payload)
        return hash.finish()
    }

    /// The fence: whether it took effect.
    mutating func append(_ id: TenantID, sequence: UInt64, _ record: Record) -> Bool {
        guard let head = tenants[id]?.head, head.epoch == record.epoch, head.sequence == sequence - 1 else {
            return false
        }
        var record = record
        record.at = clock.now()
        tenants[id]?.head.sequence = sequence
        tenants[id]?.head.chain = record.chain
        tenants[id]?.records[sequence] = record
        return true
    }

    /// What became of an append whose connection was lost, with everything ended that may still travel.
    mutating func settle(_ id: TenantID, epoch: UInt64, sequence: UInt64, chain: Digest) -> (SharedVerdict, UInt64) {
        guard let tenant = tenants[id] else { return (.refused, epoch) }
        let isThere = tenant.records[sequence]?.chain == chain
        guard tenant.head.epoch == epoch, let raised = raise(id) else { return (isThere ? .appended : .refused, epoch) }
        return (isThere ? .appended : .absent, raised.epoch)
    }

    mutating func beginSnapshot(of id: TenantID, seal: Digest) throws(SharedLogError) -> Int {
        guard tenants[id] != nil else { throw .unknown }
        snapshotNumbers += 1
        let snapshot = Snapshot(number: snapshotNumbers, seal: seal, sequence: 0, chain: .zero)
        tenants[id]?.snapshots.append(snapshot)
        return snapshotNumbers
    }

    /// Changes one that is being written, or was.
    mutating func change(_ number: Int, of id: TenantID, _ body: (inout Snapshot) -> Void) {
        guard let place = tenants[id]?.snapshots.firstIndex(where: { $0.number == number }) else { return }
        tenants[id]?.snapshots[place].change(body)
    }

    func chain(of id: TenantID, at sequence: UInt64) -> Digest? {
        guard let tenant = tenants[id] else { return nil }
        if tenant.head.sequence == sequence { return tenant.head.chain }
        // Where a tenant begins, as long as its first record is there.
        if sequence == 0 { return tenant.records[1] == nil ? nil : .zero }
        return tenant.records[sequence]?.chain
            ?? tenant.snapshots.first { $0.isWhole && $0.sequence == sequence }?.chain
    }
}

extension MemoryLogState.Tenant {
    var fault: String? {
        let start = snapshots.filter { $0.isWhole && $0.sequence >= head.resetAt }.min { $0.sequence < $1.sequence }
        guard var sequence = start?.sequence, var chain = start?.chain else {
            return head.sequence == 0 ? nil : "no snapshot"
        }
        var epoch: UInt64 = 0
        while sequence < head.sequence {
            sequence += 1
            guard let record = records[sequence] else { return "record \(sequence) is missing" }
            guard record.epoch >= epoch, record.epoch <= head.epoch else { return "record \(sequence): its epoch" }
            chain = MemoryLogState.chain(chain, record.epoch, sequence, SHA256.hash(record.payload))
            guard chain == record.chain else { return "record \(sequence): its chain" }
            epoch = record.epoch
        }
        return chain == head.chain ? nil : "the head's chain"
    }
}

extension MemoryLogState.Snapshot {
    mutating func change(_ body: (inout Self) -> Void) { body(&self) }

    /// It is whole.
    mutating func end(at place: SharedPlace, _ time: Timestamp) {
        (sequence, chain, isWhole, at) = (place.sequence, place.chain, true, time)
    }

    var shared: SharedSnapshot {
        SharedSnapshot(sequence: sequence, chain: chain, bytes: pieces.reduce(0) { $0 + UInt64($1.count) })
    }
}

extension MemoryLogState.Node {
    var view: ClusterView.Node {
        ClusterView.Node(
            name: description.name, generation: generation, address: description.address, state: state, beats: beats,
            schema: description.schema, registry: description.registry)
    }
}
