import Cryptography
import Foundation
import RateLimiter
import SQLite
import Synchronization

/// What a node is told of its cluster.
package struct ClusterOptions: Sendable {
    package let log: any SharedLog
    package let name: NodeName
    /// HOST:PORT, where the other nodes reach it.
    package let address: String
    package var bounds = ClusterBounds()
    /// Of the registry's schema that this program takes the registry to.
    package var registrySchema = RegistryStore.version
    /// It joins though nodes of an older one run, which then serve nothing more.
    package var upgradesRegistry = false
    /// Time that goes on while the machine sleeps.
    package var clock: any MonotonicClock = BootClock()
    /// False: whoever made the fleet calls `Fleet.beat`.
    package var beatsByItself = true
    /// Called after a second without the log at the start, and every ten from then on, with how many have passed.
    package var waits: @Sendable (_ seconds: Int) -> Void = { _ in }
    /// Called once where this process is not to go on, with whether one that is started after it may: where the
    /// database was taken back it begins with what the log has, where another has its name it would take that back.
    package var expelled: @Sendable (_ reason: String, _ comesBack: Bool) -> Void = { _, _ in }

    package init(log: any SharedLog, name: NodeName, address: String) {
        (self.log, self.name, self.address) = (log, name, address)
    }
}

package struct ClusterBounds: Sendable {
    package var beatMilliseconds: UInt64 = 500
    /// How long after the sending of a beat that came back a node shows what it has.
    package var leaseMilliseconds: UInt64 = 3_000
    /// A node whose beats stood still for so long is taken for dead; more than the lease.
    package var deadMilliseconds: UInt64 = 4_000
    package var claimedAtOnce = 256
    /// Claims of one beat: so many, and none begins after so long, as the next beat waits for them.
    package var claimsMax = 16
    package var claimMilliseconds: UInt64 = 300
    /// A snapshot comes after so many records, or so many bytes of them; of a large file once they are half of it.
    package var snapshotRecords = 1_000
    package var snapshotBytes = 4 << 20
    /// And where anything was written since one that is so old, by the log's clock: a day's records wait for the
    /// slowest tenant, and a takeover plays no more than that.
    package var snapshotSeconds: Int64 = 86_400
    /// The log is asked so often what was written since snapshots; soon, where tenants came or it was away.
    package var surveyMilliseconds: UInt64 = 600_000
    package var surveySoonMilliseconds: UInt64 = 10_000
    /// A node that left, has no tenant and does not come back leaves the list.
    package var forgottenMilliseconds: UInt64 = 3_600_000
    /// A tenant for whose file there is no room is given to another node, once in this time at most.
    package var givenAwayMilliseconds: UInt64 = 60_000
    /// How long an answer waits for a registry that missed what the call made of keys and resellers.
    package var projectionMilliseconds: UInt64 = 2_000
    /// A node that has not said by then what it counted is taken for silent: what it saved last counts.
    package var questionMilliseconds = 2_000
    /// Files that are fetched in the background at once at most, and how many of what was claimed.
    package var fetchedAtOnce = 4
    /// Snapshots that a node reads out of the log at once for lanes; one more for all else (`readingAside`).
    package static let downloadsMax = 3
    /// Files that are fetched at once by whoever asks: each holds a worker, and half of those are left to tenants whose
    /// files are here. More than can be read at once only wait.
    package var fetchesMax = min(LanePool.workersDefault / 2, ClusterBounds.downloadsMax)
    package var fetchedMax = 200
    /// Whoever asks finds a place beside those that are fetched in the background.
    var backgroundFetchesMax: Int { max(1, min(fetchedAtOnce, fetchesMax / 2)) }

    package init() {}
}

/// This node in its cluster: which tenants are its own, whose the others are, and how long that holds (N1–N4).
///
/// Invariant: a tenant is served here only while the log says that it is this node's, since then the registry has been
/// read anew, and the lease runs: a beat came back that was sent less than that ago. Others take a tenant over only
/// once they saw this node's beats stand still for longer than that. No clock is ever compared with another machine's.
/// Writes need no lease: the append is the fence. Any thread.
package final class ClusterMember: Sendable {
    package let name: NodeName
    package let log: any SharedLog
    package let generation: Int64
    package let bounds: ClusterBounds
    let clock: any MonotonicClock
    let options: ClusterOptions
    /// Asks the log for who waits: which node has a tenant, what the registry has.
    let asking = BackgroundPool(name: "cluster-ask", threads: 2, places: Shares(whole: 4_096))

    struct Peer {
        var node: ClusterView.Node
        /// Since when its beats stand where they are, by this node's clock.
        var since: UInt64

        /// How long they have; whoever asks may have looked at his clock before they last rose.
        func silence(at now: UInt64) -> UInt64 { now > since ? now - since : 0 }
    }

    struct State {
        var owners: [TenantID: NodeName] = [:]
        var ownersAt: Int64 = 0
        /// Of the node's own: those whose keys and resellers are known as they were when it took them over.
        var ready: Set<TenantID> = []
        /// The others of the node's own, but for those that are on their way to another.
        var unready: Set<TenantID> = []
        /// Being given to another: shown no more, and not taken over anew.
        var leaving: Set<TenantID> = []
        /// Those that are being taken over, each with who waits for the end of it.
        var underWay: [TenantID: [@Sendable () -> Void]] = [:]
        var peers: [NodeName: Peer] = [:]
        var state = NodeState.serving
        /// When the last beat that came back was sent; the time is one run of successful beats.
        var beatsSince: UInt64 = 0
        var isExpelled = false
        /// Files that another took the place of, and of which the log is to be told at their next opening.
        var resets: Set<TenantID> = []
        /// Tenants of whose keys and resellers the registry missed something, and that are this node's to tell.
        var unprojected: Set<TenantID> = []
        /// Tenants that the registry is being told of, each with who waits for the next try.
        var projecting: [TenantID: [ProjectionWaiter]] = [:]
        /// Tenants that were the name's when this process took it.
        var inherited: Set<TenantID> = []
        /// Tenants that were this node's, and of which memory still holds what only their node needs.
        var dropped: Set<TenantID> = []
        /// Since the last snapshot.
        var tails: [TenantID: Tail] = [:]
        var snapshotting: TenantID?
        var survey = Survey()
        /// Files that are being fetched, each by a worker.
        var fetches = 0
        /// Files that are fetched in the background, or wait for their lane.
        var backgroundFetches = 0
        var figures = ClusterFigures()
        var waitsForCatchUp: [@Sendable (Bool) -> Void] = []
        var looks: [TenantID: [@Sendable (TenantPlace) -> Void]] = [:]
        var isCatchingUp = false
        /// The registry's head in the views so far, where it was furthest.
        var registrySeen: UInt64 = 0
        /// Attached once, before the first beat.
        var registry: SQLiteRegistry?
        var takeOver: (@Sendable ([TenantID], @escaping @Sendable () -> Void) -> Void)?
        var levels = Levels()
        /// When tenants were given away for want of room.
        var givenAwayAt: [TenantID: UInt64] = [:]

        /// The log says whose the tenant is; `own`: this node's name.
        mutating func note(_ tenant: TenantID, _ owner: NodeName?, own: NodeName) {
            let before = owners[tenant]
            owners[tenant] = owner
            if owner == own {
                if !ready.contains(tenant) && !leaving.contains(tenant) { unready.insert(tenant) }
                return
            }
            if ready.remove(tenant) != nil || before == own { dropped.insert(tenant) }
            unready.remove(tenant)
            // It may come back before it is all gone.
            leaving.remove(tenant)
            tails[tenant] = nil
            // Whoever has it now tells the registry what its file says.
            unprojected.remove(tenant)
            // What another node has written since is not overwritten by a file that lies here: it follows the log.
            resets.remove(tenant)
        }
    }

    let state = Mutex(State())
    /// Held while a beat is on its way: the next one, and the node's last word, come behind it.
    let beating = Mutex(())
    /// Held by whoever reads a snapshot and is not counted in `fetches`, so that nobody who is waits for it: copies of
    /// tenants at other nodes or as of a moment, and the proof of a snapshot.
    let readingAside = Mutex(())
    private let leaseUntil = Atomic<UInt64>(0)
    /// Before that another process of this name may still show what it has (case 24).
    private let waitsUntil: UInt64

    /// Joins the cluster. Blocks. `memory`: a file of the data folder's, which keeps the last generation that joined
    /// from there. Where the name is that one's still, its process has ended, as the folder is locked; whoever else had
    /// the name has its lease yet.
    init(_ options: ClusterOptions, schema: Int32, keyPrint: Digest, memory: String) throws(SharedLogError) {
        (self.options, log, name) = (options, options.log, options.name)
        (bounds, clock) = (options.bounds, options.clock)
        let notice = WaitNotice(options.waits)
        defer { notice.end() }
        let last = FileManager.default.contents(atPath: memory).flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
        let view = last.map { last in
            try? options.log.beat(options.name, generation: last, state: .draining, ownersSince: .max)
        }
        let wasHere = (view ?? nil) != nil
        generation = try log.join(
            ClusterNode(
                name: options.name, address: options.address, schema: schema, registry: options.registrySchema,
                keyPrint: keyPrint))
        waitsUntil = wasHere ? 0 : clock.nanoseconds() + bounds.leaseMilliseconds * 1_000_000
        // One that is lost makes the next start wait.
        DataDirectory.remove(memory)
        try? DataDirectory.writeNew(Array(String(generation).utf8), to: memory, isSynced: false)
    }

    /// Of these tenants those that no other process of this name may still show.
    func free(of tenants: [TenantID]) -> [TenantID] {
        guard clock.nanoseconds() < waitsUntil else { return tenants }
        return state.withLock { state in tenants.filter { !state.inherited.contains($0) } }
    }

    // MARK: Where tenants are

    /// Whether the lease runs. One atomic.
    package var isServing: Bool { clock.nanoseconds() < leaseUntil.load(ordering: .acquiring) }

    package func place(of tenant: TenantID) -> TenantPlace {
        let isServing = isServing
        return state.withLock { state in
            guard let owner = state.owners[tenant] else { return .nowhere }
            if owner == name {
                let isShown = state.ready.contains(tenant) && !state.leaving.contains(tenant)
                return isServing && isShown ? .here : .nowhere
            }
            guard let peer = state.peers[owner], peer.node.state != .left else { return .nowhere }
            return .at(owner, address: peer.node.address)
        }
    }

    /// Whether the tenant is this node's as far as it knows, whether or not the lease runs.
    func isOwn(_ tenant: TenantID) -> Bool { state.withLock { $0.owners[tenant] == name } }

    /// Whether an append of the tenant may be tried: judged again by the log itself.
    func mayWrite(_ tenant: TenantID) -> Bool {
        isServing && log.isReachable && state.withLock { $0.owners[tenant] == name && $0.ready.contains(tenant) }
    }

    /// What is told of a tenant that may not be written here now. `.moved`: the log says where it is, and whoever waits
    /// for that is served, here too: one that came back is this node's before its keys are known. `.logUnavailable`:
    /// the log cannot be asked.
    func refusal(of tenant: TenantID) -> LaneFailure {
        isServing && log.isReachable || !isOwn(tenant) ? .moved : .logUnavailable
    }

    package var nodes: [ClusterView.Node] {
        state.withLock { $0.peers.values.map(\.node) }.sorted { $0.name < $1.name }
    }

    package func owner(of tenant: TenantID) -> NodeName? { state.withLock { $0.owners[tenant] } }

    package var ownState: NodeState { state.withLock { $0.state } }

    package var figures: ClusterFigures {
        let now = clock.nanoseconds()
        return state.withLock { state in
            var figures = state.figures
            figures.owned = state.ready.count
            figures.registryConflicts = state.registry?.shared?.conflicts.load(ordering: .relaxed) ?? 0
            figures.beatAgeNanoseconds = now > state.beatsSince ? now - state.beatsSince : 0
            figures.snapshotsDue = state.tails.values.count { $0.isSnapshotDue(bounds) }
            figures.recordsBehind = state.tails.values.reduce(0) { $0 + $1.records }
            return figures
        }
    }

    // MARK: Asking the log

    /// Asks the log anew where a tenant is; one that has become this node's is served when `then` comes. Who asks while
    /// one looks for the same tenant has part in that look. Where the lease does not run the log is not there to be
    /// asked. Returns at once.
    package func look(_ tenant: TenantID, then: @escaping @Sendable (TenantPlace) -> Void) {
        guard isServing else { return then(place(of: tenant)) }
        let begins = state.withLock { state in
            defer { state.looks[tenant, default: []].append(then) }
            return state.looks[tenant] == nil
        }
        guard begins else { return }
        let done: @Sendable () -> Void = { [self] in
            let waiters = state.withLock { $0.looks.removeValue(forKey: tenant) ?? [] }
            let found = place(of: tenant)
            for then in waiters { then(found) }
        }
        let isTaken = asking.submit { [self] in
            let found: SharedHead?
            do { found = try log.head(of: tenant) } catch { return done() }
            guard let head = found else {
                state.withLock { _ = $0.dropped.remove(tenant) }
                return done()
            }
            noteOwner(of: tenant, head.owner)
            let isNew = head.owner == name && state.withLock { !$0.ready.contains(tenant) }
            guard isNew, let takeOver = state.withLock({ $0.takeOver }) else { return done() }
            takeOver([tenant], done)
        }
        if !isTaken { done() }
    }

    /// The registry and what memory knows of it are as they were anywhere when this was called, or later. Who asks
    /// while one looks waits for the next look: so a flood costs one at a time. Returns at once; `then` is told whether
    /// the log could be read.
    package func catchUp(then: @escaping @Sendable (_ succeeded: Bool) -> Void) {
        let begins = state.withLock { state in
            state.waitsForCatchUp.append(then)
            defer { state.isCatchingUp = true }
            return !state.isCatchingUp
        }
        if begins { catchUpOnce() }
    }

    private func catchUpOnce() {
        let isTaken = asking.submit { [self] in
            let (waiters, registry) = state.withLock { state in
                defer { state.waitsForCatchUp = [] }
                state.figures.catchUps += 1
                return (state.waitsForCatchUp, state.registry)
            }
            let done: @Sendable (Bool) -> Void = { [self] succeeded in
                for then in waiters { then(succeeded) }
                let goesOn = state.withLock { state in
                    state.isCatchingUp = !state.waitsForCatchUp.isEmpty
                    return state.isCatchingUp
                }
                if goesOn { catchUpOnce() }
            }
            guard let registry, let head = try? log.head(of: .registry) else { return done(false) }
            if head.sequence == registry.sequence { return done(true) }
            registry.catchUp { result in done((try? result.get()) != nil) }
        }
        if !isTaken {
            let waiters = state.withLock { state in
                defer { (state.waitsForCatchUp, state.isCatchingUp) = ([], false) }
                return state.waitsForCatchUp
            }
            for then in waiters { then(false) }
        }
    }

    // MARK: What the log says of owners

    func noteOwner(of tenant: TenantID, _ owner: NodeName?) {
        state.withLock { $0.note(tenant, owner, own: name) }
    }

    /// Its keys and resellers are known as of a moment since it became this node's.
    func noteReady(_ tenants: [TenantID]) {
        state.withLock { state in
            for tenant in tenants {
                state.unready.remove(tenant)
                if state.owners[tenant] == name { state.ready.insert(tenant) }
            }
            if !tenants.isEmpty { state.survey.isWanted = true }
        }
    }

    /// Another node raised the epoch.
    func wasRefused(_ tenant: TenantID) {
        state.withLock { state in
            state.figures.refused += 1
            if state.owners[tenant] == name { state.note(tenant, nil, own: name) }
        }
    }

    // MARK: Files

    /// A tenant begins here: the log knows its head, and its file goes there with its first opening. Blocks.
    func begin(_ tenant: TenantID) throws {
        // Before a beat can tell of it: it is not taken over as one that was left half-made.
        state.withLock { state in
            state.owners[tenant] = name
            state.ready.insert(tenant)
            state.resets.insert(tenant)
        }
        do {
            try log.create(tenant, owner: name)
        } catch {
            if error == .exists { return }
            noteOwner(of: tenant, nil)
            throw error
        }
    }

    /// Whether the log is to be told of another file at the tenant's next opening.
    func isReset(_ tenant: TenantID) -> Bool { state.withLock { $0.resets.contains(tenant) } }

    /// The tenant is gone for good. Blocks.
    func remove(_ tenant: TenantID) throws {
        do {
            try log.remove(tenant)
        } catch {
            if error != .unknown { throw error }
        }
        noteOwner(of: tenant, nil)
        state.withLock { state in
            state.resets.remove(tenant)
            state.dropped.remove(tenant)
        }
    }

    /// Before the file is changed outside the log: what the log has is never played into the new one, which the log is
    /// told of at its next opening. On its lane, while the file is closed.
    func endRecords(of file: SharedFile) throws {
        try file.removeMark()
        state.withLock { _ = $0.resets.insert(file.tenant) }
    }

    /// Opens the tenant for writing, and makes its file whole. On its lane, while the file is closed. Throws
    /// `LaneFailure.moved` where it is not served here, or not yet, and where too many others are being fetched,
    /// `.logUnavailable` where the log is away.
    func open(_ file: SharedFile) throws -> SharedSink {
        let tenant = file.tenant
        guard mayWrite(tenant) else { throw refusal(of: tenant) }
        var isFetched = file.isAbsent && !isReset(tenant)
        if isFetched { try beginFetch() }
        defer { if isFetched { state.withLock { $0.fetches -= 1 } } }
        do {
            let stream = try log.open(tenant, as: name, key: file.key)
            if state.withLock({ $0.resets.contains(tenant) }) {
                _ = try file.reset(to: stream)
                state.withLock { _ = $0.resets.remove(tenant) }
            } else {
                let wasWhole = try file.complete(stream.head, from: log) {
                    // One that is here and of no use.
                    if isFetched { return }
                    try beginFetch()
                    isFetched = true
                }
                if !wasWhole { state.withLock { $0.figures.restored += 1 } }
            }
            return SharedSink(tenant, stream, self, file)
        } catch let error as SharedLogError {
            switch error {
            case .notOwner(let owner):
                noteOwner(of: tenant, owner)
                throw LaneFailure.moved
            case .away: throw LaneFailure.logUnavailable
            case .exists, .unknown, .damaged, .refused: throw TenantFileError.damaged("\(error)")
            }
        }
    }

    /// What waits for the log, on a thread that may. `orElse`: where too much waits. Neither comes once the node
    /// has left.
    func aside(_ work: @escaping @Sendable () -> Void, orElse: () -> Void = {}) {
        if !asking.submit(work) { orElse() }
    }

    private func beginFetch() throws(LaneFailure) {
        let isTaken = state.withLock { state in
            guard state.fetches < bounds.fetchesMax else { return false }
            state.fetches += 1
            return true
        }
        if !isTaken { throw .moved }
    }

    /// False: so many are fetched in the background already. `endBackgroundFetch` follows.
    func beginBackgroundFetch() -> Bool {
        state.withLock { state in
            guard state.backgroundFetches < bounds.backgroundFetchesMax else { return false }
            state.backgroundFetches += 1
            return true
        }
    }

    func endBackgroundFetch() { state.withLock { $0.backgroundFetches -= 1 } }

    // MARK: The lease

    func extendLease(from sent: UInt64) {
        leaseUntil.store(sent + bounds.leaseMilliseconds * 1_000_000, ordering: .releasing)
    }

    func endLease() { leaseUntil.store(0, ordering: .releasing) }
}

/// For metrics and the console.
package struct ClusterFigures: Sendable {
    package var owned = 0
    package var claimed: UInt64 = 0
    package var restored: UInt64 = 0
    package var refused: UInt64 = 0
    package var moved: UInt64 = 0
    package var records: UInt64 = 0
    package var bytes: UInt64 = 0
    package var snapshots: UInt64 = 0
    package var snapshotsDue = 0
    package var recordsBehind = 0
    package var beats: UInt64 = 0
    package var beatsLost: UInt64 = 0
    package var beatAgeNanoseconds: UInt64 = 0
    package var catchUps: UInt64 = 0
    package var registryConflicts: UInt64 = 0

    package init() {}
}
