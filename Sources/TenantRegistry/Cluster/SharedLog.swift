package import Cryptography

/// The log that the nodes of a cluster share: every tenant's commits, whose each tenant is, and which nodes there are
/// (N1–N3). PostgreSQL's in the product (`Cluster/PostgresLog`), one in memory in tests.
///
/// Invariant: a tenant has one head: owner, epoch, sequence, chain. An append takes effect where the head has exactly
/// the epoch of who appends and the sequence before his; that is the fence, and there is no other. Whoever raises the
/// epoch has ended every writer before him, whatever still travels on the network.
///
/// Calls block the thread that makes them, but for a stream's `append`. Any thread. They throw `SharedLogError`.
package protocol SharedLog: AnyObject, Sendable {
    // MARK: Nodes

    /// A process begins under this name, and every earlier one of that name has ended: its `beat` gives nil from now
    /// on. Gives the generation, which is above any before. It takes no tenants before a beat says that it
    /// does. Throws `.refused` where the log belongs to another master key, or does not promise what it has to (proof
    /// of synchronous replication).
    func join(_ node: ClusterNode) throws(SharedLogError) -> Int64
    /// Says that the process lives, durably, and gives what it needs to know. `seen`: the `ownersAt` of the view
    /// before, 0 for all owners. Nil: another process has the name, and this one has to stop.
    func beat(_ name: NodeName, generation: Int64, state: NodeState, ownersSince seen: Int64) throws(SharedLogError)
        -> ClusterView?
    /// Tenants of `owner` that this node takes over, each with a higher epoch: those among `tenants`, where the head
    /// still is that owner's. `seen`: the owner as it was taken for gone; nil: nobody of that name was there. Returns
    /// those that it got; nil: the owner has beaten or joined since, and nothing was taken.
    func claim(
        _ tenants: [TenantID], of owner: NodeName, seen: ClusterView.Node?, by node: NodeName
    ) throws(SharedLogError) -> [TenantID]?
    /// Gives a tenant, to none of whose streams anything is appended any more, to another node, with a higher epoch.
    func hand(_ tenant: TenantID, from node: NodeName, to other: NodeName) throws(SharedLogError)
    /// The registry is of that schema from now on, or of a later one.
    func note(registry schema: Int32) throws(SharedLogError)
    /// Forgets a node that has left and owns nothing.
    func forget(_ name: NodeName) throws(SharedLogError)
    /// What a node wants to be known of its tenants while it lives, for whoever takes over; `levels` of a limiter.
    func save(levels: [UInt8], of node: NodeName) throws(SharedLogError)
    func levels(of node: NodeName) throws(SharedLogError) -> [UInt8]?

    // MARK: Heads

    /// A tenant begins, empty: no record, no snapshot. `.exists` where it is there.
    func create(_ tenant: TenantID, owner: NodeName) throws(SharedLogError)
    /// The tenant as it stands; nil: there is none.
    func head(of tenant: TenantID) throws(SharedLogError) -> SharedHead?
    /// Opens the tenant for writing: raises the epoch, so that whoever wrote before does no more. Throws `.notOwner`
    /// where it is another's.
    func open(_ tenant: TenantID, as node: NodeName, key: [UInt8]) throws(SharedLogError) -> any SharedStream
    /// Opens what has no owner and everybody appends to, each where nobody came before him: the registry. The epoch
    /// stays. Made where it is not there (`create` with nobody as its owner).
    func openForAll(_ tenant: TenantID, key: [UInt8]) throws(SharedLogError) -> any SharedStream
    /// The tenant is gone: head, records, snapshots.
    func remove(_ tenant: TenantID) throws(SharedLogError)

    // MARK: What was written

    /// The records with `after < sequence <= upTo`, in their order; throws `.damaged` where one is missing or does not
    /// follow its chain. `from`: the chain at `after`. Gives the chain at the last. What `body` throws goes through.
    func records(
        of tenant: TenantID, after sequence: UInt64, chain: Digest, upTo last: UInt64, key: [UInt8],
        _ body: (SharedRecord) throws -> Void
    ) throws -> Digest
    /// The chain at that sequence; nil where the log does not know it (any more).
    func chain(of tenant: TenantID, at sequence: UInt64) throws(SharedLogError) -> Digest?
    /// Complete snapshots of the tenant, newest first.
    func snapshots(of tenant: TenantID) throws(SharedLogError) -> [SharedSnapshot]
    /// What was written of the node's tenants, and of the registry, since the newest snapshot of each; nothing of those
    /// of which nothing was.
    func tails(of node: NodeName) throws(SharedLogError) -> [SharedTail]
    /// The snapshot's pieces, opened, in their order.
    func read(_ snapshot: SharedSnapshot, of tenant: TenantID, key: [UInt8], _ body: ([UInt8]) throws -> Void) throws
    /// What the log has of the tenant up to a moment, by the log's own clock. A record of that millisecond is in it.
    func past(of tenant: TenantID, at moment: Timestamp) throws(SharedLogError) -> SharedPast
    /// Snapshots of the tenant and records that no snapshot from `oldest` on needs go, but for what a moment of the
    /// last so many days is made of: every record since then, a snapshot from before it, those that a reset is, and the
    /// first of each day. Nothing goes where no snapshot is from `oldest` on. Of tenants that nobody has used for so
    /// many days the newest snapshot alone may stay.
    func trim(_ tenant: TenantID, before oldest: UInt64, keepingDays days: Int64) throws(SharedLogError)

    /// For metrics.
    var standing: SharedLogStanding { get }
    /// Looks now and then how far the log's copies are behind, for `standing`; asked behind each beat, with nobody
    /// waiting. Blocks.
    func lookAtStandbys()
    /// Whether appends are likely to get through: what did not come back within `SharedLogBounds` makes it false until
    /// something does.
    var isReachable: Bool { get }
    func close()
}

/// A tenant that is open for writing, from `open` until it is lost or dropped.
///
/// `append` may be called by one thread at a time; verdicts come on the log's threads, in the order of the appends.
/// Once one is not `appended`, none after it is.
package protocol SharedStream: AnyObject, Sendable {
    var epoch: UInt64 { get }
    /// As it was opened.
    var head: SharedHead { get }
    /// Takes a commit over and returns its sequence at once.
    func append(_ commit: UnsafeRawBufferPointer, then: @escaping @Sendable (SharedVerdict) -> Void) -> UInt64
    /// The last that was appended for certain.
    var settled: SharedPlace { get }
    /// Puts a snapshot of the tenant as it was at that place, which was `settled` once. `next` gives pieces of any
    /// size; nil ends it. It is there whole or not at all. What is appended meanwhile does not wait for it.
    func putSnapshot(at place: SharedPlace, _ next: () throws -> [UInt8]?) throws
    /// The tenant's file is another from here on: a snapshot that takes a sequence of its own, conditional like an
    /// append; no record before it is ever played again. Nothing may be on its way. Gives where it is, which is
    /// `settled` then; throws `.notOwner` where somebody raised the epoch or came before.
    func reset(_ next: () throws -> [UInt8]?) throws -> SharedPlace
}

/// A moment in a tenant's history: a sequence and the chain there.
package struct SharedPlace: Sendable, Equatable {
    package let sequence: UInt64
    package let chain: Digest

    package init(sequence: UInt64, chain: Digest) { (self.sequence, self.chain) = (sequence, chain) }
}

package enum SharedVerdict: Sendable, Equatable {
    /// In the log, replicated: it stays.
    case appended
    /// Certainly not in the log, and never will be: somebody raised the epoch, or came before.
    case refused
    /// Certainly not in the log, and never will be: the log was away, and the epoch has been raised since.
    case absent
    /// Nobody knows; the log did not come back in time. The stream is of no use any more.
    case unknown
}

package struct SharedRecord: Sendable {
    package let sequence: UInt64
    package let epoch: UInt64
    /// A commit as the sink took it; opened.
    package let payload: [UInt8]

    package init(sequence: UInt64, epoch: UInt64, payload: [UInt8]) {
        (self.sequence, self.epoch, self.payload) = (sequence, epoch, payload)
    }
}

package struct SharedHead: Sendable, Equatable {
    /// Nil: everybody's (the registry).
    package var owner: NodeName?
    package var epoch: UInt64
    /// Of the last record or reset; 0: none yet.
    package var sequence: UInt64
    package var chain: Digest
    /// Of the last reset: no record at or before it is played into anything; 0: there was none.
    package var resetAt: UInt64

    package init(owner: NodeName?, epoch: UInt64, sequence: UInt64, chain: Digest, resetAt: UInt64) {
        (self.owner, self.epoch, self.sequence, self.chain, self.resetAt) = (owner, epoch, sequence, chain, resetAt)
    }
}

package struct SharedSnapshot: Sendable, Equatable {
    package let sequence: UInt64
    /// At that sequence.
    package let chain: Digest
    package let bytes: UInt64

    package init(sequence: UInt64, chain: Digest, bytes: UInt64) {
        (self.sequence, self.chain, self.bytes) = (sequence, chain, bytes)
    }
}

/// What a tenant wrote since its newest snapshot.
package struct SharedTail: Sendable, Equatable {
    package let tenant: TenantID
    package let records: UInt64
    /// Of that snapshot, by the log's own clock.
    package let ageSeconds: Int64

    package init(tenant: TenantID, records: UInt64, ageSeconds: Int64) {
        (self.tenant, self.records, self.ageSeconds) = (tenant, records, ageSeconds)
    }
}

/// What is to be had of a tenant at a moment that has passed.
package enum SharedPast: Sendable, Equatable {
    /// Everything up to there came by then, and nothing behind it did.
    case upTo(SharedPlace)
    /// What the log still has begins later; nil: it has no snapshot.
    case begins(Timestamp?)
    /// By the log's clock it is still to come.
    case ahead
    /// The log's clock went back, or had leapt ahead: what it leaves out may have come before the moment.
    case leapt
}

package enum SharedLogError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It cannot be reached, or did not answer in time; the text is for the log, and without a password.
    case away(String)
    case notOwner(NodeName?)
    case exists
    case unknown
    /// What was written is not what is there.
    case damaged(String)
    /// The log is not one that this node may use; why.
    case refused(String)

    package var description: String {
        switch self {
        case .away(let reason): "the cluster's log is away: \(reason)"
        case .notOwner(let owner): "the tenant is \(owner.map { "at node \($0.text)" } ?? "at no node")"
        case .exists: "it is there already"
        case .unknown: "there is no such tenant in the cluster's log"
        case .damaged(let what): "the cluster's log is damaged: \(what)"
        case .refused(let why): why
        }
    }
}

/// 1 to 40 of `a–z`, `0–9` and `-`, beginning with a letter.
package struct NodeName: Hashable, Sendable, Comparable {
    package let text: String

    package init?(_ text: String) {
        let bytes = text.utf8
        guard (1...40).contains(bytes.count), let first = bytes.first, (0x61...0x7A).contains(first),
            bytes.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D })
        else { return nil }
        self.text = text
    }

    package static func < (left: NodeName, right: NodeName) -> Bool { left.text < right.text }
}

package enum NodeState: Int16, Sendable {
    case serving = 0
    /// It gives its tenants away and takes none.
    case draining = 1
    /// It stopped in order: its tenants are free at once.
    case left = 2
}

/// What a node says of itself when it joins.
package struct ClusterNode: Sendable, Equatable {
    package let name: NodeName
    /// HOST:PORT where the other nodes reach it; with `https://` before it where it speaks TLS.
    package let address: String
    /// Of the newest schema that it knows: a node takes no tenant over that a newer one has migrated.
    package let schema: Int32
    /// Of the registry's schema that it takes the registry to: a node that knows less serves nothing more.
    package let registry: Int32
    /// SHA-256 of what the master key makes of a fixed text: all nodes of a cluster have one key.
    package let keyPrint: Digest

    package init(name: NodeName, address: String, schema: Int32, registry: Int32 = 0, keyPrint: Digest) {
        (self.name, self.address, self.keyPrint) = (name, address, keyPrint)
        (self.schema, self.registry) = (schema, registry)
    }
}

/// What a beat comes back with.
package struct ClusterView: Sendable {
    package struct Node: Sendable {
        package let name: NodeName
        package let generation: Int64
        package let address: String
        package let state: NodeState
        /// It rises as long as the process lives.
        package let beats: Int64
        package let schema: Int32
        /// 0 of a program that did not say.
        package let registry: Int32

        package init(
            name: NodeName, generation: Int64, address: String, state: NodeState, beats: Int64, schema: Int32,
            registry: Int32 = 0
        ) {
            (self.name, self.generation, self.address) = (name, generation, address)
            (self.state, self.beats, self.schema, self.registry) = (state, beats, schema, registry)
        }
    }

    package struct Owner: Sendable {
        package let tenant: TenantID
        package let node: NodeName

        package init(tenant: TenantID, node: NodeName) { (self.tenant, self.node) = (tenant, node) }
    }

    package var nodes: [Node]
    /// Tenants whose owner changed since the place that was asked from; perhaps some that had it before.
    package var owners: [Owner]
    package var ownersAt: Int64
    /// Where the registry's head is.
    package var registrySequence: UInt64
    /// What the registry's schema was last noted as; 0: by nobody.
    package var registrySchema: Int32 = 0

    package init(nodes: [Node], owners: [Owner], ownersAt: Int64, registrySequence: UInt64) {
        (self.nodes, self.owners, self.ownersAt, self.registrySequence) = (nodes, owners, ownersAt, registrySequence)
    }
}

package struct SharedLogStanding: Sendable {
    package var appended: UInt64 = 0
    package var refused: UInt64 = 0
    /// Whose connection was lost on the way, and that had to be settled.
    package var unsettled: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Of whole groups, from the first byte to the answer.
    package var groups: UInt64 = 0
    package var nanoseconds: UInt64 = 0
    package var waiting: Int = 0
    /// What the standby that is furthest behind has not made durable; nil: there is none, or that may not be seen.
    package var standbyLagBytes: UInt64?

    package init() {}
}

extension TenantID {
    /// The registry in the shared log: no tenant's id, which are random and of version 4.
    package static let registry = TenantID(high: 0, low: 1)

    /// Whether its commits come packed to the shared log. The registry's do not: nodes of an earlier program, which
    /// know no packed commits, follow it while a cluster is upgraded one by one. A tenant's file goes to them no more
    /// once a later program has opened it.
    package var packsCommits: Bool { self != .registry }
}
