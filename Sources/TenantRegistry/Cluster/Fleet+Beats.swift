import Cryptography
import Dispatch
import Foundation
import SQLite

/// A node's life in its cluster: beats, and tenants that come and go with them (N3).
extension Fleet {
    /// One beat: says that this node lives, learns of the others, and takes over what a dead one left. Twice a second,
    /// from one thread, which waits for the cluster's log.
    package func beat() {
        guard let cluster else { return }
        cluster.beating.withLock { _ in
            if !isGone.load(ordering: .relaxed) { beat(as: cluster) }
        }
    }

    private func beat(as cluster: ClusterMember) {
        let sent = cluster.clock.nanoseconds()
        let (wanted, seen) = cluster.state.withLock { ($0.state, $0.ownersAt) }
        // One that refuses writes for want of room takes no tenants.
        let state = wanted == .serving && refusesWrites ? .draining : wanted
        do throws(SharedLogError) {
            let view = try cluster.log.beat(
                cluster.name, generation: cluster.generation, state: state, ownersSince: seen)
            guard let view else {
                return expel(cluster, "another process is node \(cluster.name.text)", comesBack: false)
            }
            if cluster.isTakenBack(view) {
                return expel(cluster, "the database was taken back to an older moment", comesBack: true)
            }
            let news = cluster.take(view, sent: sent)
            // Only now: whatever the view takes away is not shown any more.
            cluster.extendLease(from: sent)
            for tenant in news.lost { letGo(tenant) }
            followAgain(news.lost)
            for tenant in news.unknown { cluster.look(tenant) { _ in } }
            if view.registrySequence > sharedRegistry?.sequence ?? 0 { cluster.catchUp { _ in } }
            if isStopping.load(ordering: .relaxed) { return }
            takeOver(news.gained + (try claim(cluster)))
            for name in cluster.forgotten { try cluster.log.forget(name) }
            for tenant in cluster.unprojected {
                if let record = roster.tenant(id: tenant), cluster.isServed(tenant) { refreshProjection(of: record) }
            }
            cluster.log.lookAtStandbys()
        } catch {
            cluster.beatFailed()
            if !error.isAway { report("cluster: \(error)") }
        }
    }

    /// Nothing of here is this node's any more: another process has its name, or the log goes on from another moment
    /// than its files and its memory.
    private func expel(_ cluster: ClusterMember, _ why: String, comesBack: Bool) {
        cluster.endLease()
        let isFirst = cluster.state.withLock { state in
            defer { state.isExpelled = true }
            state.ready = []
            return !state.isExpelled
        }
        guard isFirst else { return }
        let reason = "cluster: \(why); this one stops"
        report(reason)
        cluster.options.expelled(reason, comesBack)
    }

    /// Tenants of nodes that are gone, those that fall to this node. What is not claimed with this beat is with the
    /// next ones: the lease lasts as long as beats come.
    private func claim(_ cluster: ClusterMember) throws(SharedLogError) -> [TenantID] {
        let until = cluster.clock.nanoseconds() + cluster.bounds.claimMilliseconds * 1_000_000
        var claimed: [TenantID] = []
        for orphans in cluster.orphans {
            let isOver = cluster.clock.nanoseconds() >= until || isStopping.load(ordering: .relaxed)
            // One that slept since it looked is perhaps taken for dead itself.
            if isOver || !cluster.isServing { break }
            let got = try cluster.log.claim(
                orphans.tenants, of: orphans.owner, seen: orphans.seen, by: cluster.name)
            // The owner lives: the next view shows it.
            guard let got else { continue }
            cluster.noteClaimed(got, of: orphans.tenants)
            claimed += got
        }
        if !claimed.isEmpty { report("cluster: took \(claimed.count) tenants over") }
        return claimed
    }

    /// The tenants are this node's from now on, as the log says: what the registry says of them now is read, and then
    /// they are served. Returns at once.
    func takeOver(_ tenants: [TenantID], then: @escaping @Sendable () -> Void = {}) {
        guard let cluster, let sharedRegistry else { return then() }
        let tenants = cluster.beginTakingOver(tenants, orElse: then)
        if tenants.isEmpty { return }
        let end: @Sendable () -> Void = {
            cluster.endTakingOver(tenants)
            then()
        }
        cluster.catchUp { [self] succeeded in
            guard succeeded else {
                // What is not ready is taken over again with the next beat or look, but where there is no room for it.
                guard DataDirectory.isFull(at: data.path) else { return end() }
                return cluster.aside { [self] in
                    passOn(tenants, cluster)
                    end()
                } orElse: {
                    end()
                }
            }
            sharedRegistry.tenants(tenants) { [self] result in
                guard case .success(let rows) = result else {
                    report("cluster: what the registry says of tenants that were taken over cannot be read")
                    return end()
                }
                // Here, where no row can be newer than these.
                for (tenant, row) in rows { begin(serving: tenant, row) }
                // What is half-made is erased, or whole with a beat to come.
                let ready = rows.filter { !($0.1?.profile.isUnfinished ?? false) }.map(\.0)
                cluster.aside { [self] in
                    guard (try? cluster.takeLevels(of: tenants)) != nil else {
                        // They are taken over again with the next beat or look.
                        report("cluster: what limits of tenants that were taken over are drawn on cannot be read")
                        return end()
                    }
                    cluster.noteReady(ready)
                    // It may have to write to the file first.
                    for (tenant, row) in rows where row?.isIncomplete == true {
                        if let record = roster.tenant(id: tenant) { refreshProjection(of: record) }
                    }
                    fetchInBackground(ready)
                    end()
                } orElse: {
                    end()
                }
            }
        }
    }

    /// What this node does for a tenant beyond answering its calls begins.
    private func begin(serving tenant: TenantID, _ row: RegistrySnapshot.Tenant?) {
        guard let row else { return }
        if row.profile.isUnfinished {
            // Its node went while it was made, or erased: no tenant then (P1).
            return buryUnfinished(row.profile)
        }
        guard let record = follow(row) else { return }
        roster.replace(record, with: row.changes)
        // As the registry has them: what it missed is found when the file is opened, which it is anew.
        roster.update(record) { known in
            known.projectionEpoch = row.profile.projectionEpoch
            known.ownerEmail = row.profile.ownerEmail
            known.incarnation = max(known.incarnation, row.profile.incarnation)
        }
        // Answers of before it left may have been kept after that.
        record.answers.dropAll()
        record.lane.exclusively(
            { control in
                control.closeFile()
                record.answers.dropAll()
            }, orElse: { _ in })
        record.meter.forget()
        record.meter.start(saved: row.meterMark, stands: row.quotaStands)
        record.backlog.start(.unknown)
        let profile = row.profile
        record.counters.start(
            month: profile.requestsMonth, count: profile.requestsCount, last: profile.lastRequestAt)
        takeDue(row.due, of: record)
        // What waited here since it was this node's the last time joins its chain.
        if !record.readLog.isEmpty { record.touch() }
        // The node that went may have died between a commit and the note of what it made due.
        due.look(at: record)
        noteDeletion(of: record)
    }

    /// The tenant is another node's: nothing of it is done here any more.
    func letGo(_ tenant: TenantID) {
        guard let record = roster.tenant(id: tenant) else { return }
        forgetWork(of: record)
        record.lane.exclusively({ control in control.closeFile() }, orElse: { _ in })
        // It came back meanwhile: what was begun for it is not lost with what it left.
        guard isServedHere(tenant) else { return }
        due.look(at: record)
        noteDeletion(of: record)
    }

    /// What this node would do for it by itself, and what it kept ready. Whoever waits here for its events looks anew.
    func forgetWork(of record: TenantRecord) {
        due.drop(record)
        record.meter.forget()
        record.backlog.forget()
        deletions.withLock { $0[record.id] = nil }
        record.answers.dropAll()
        record.events.wakeAll()
    }

    /// What others changed of them while this node took them for its own was not followed.
    private func followAgain(_ tenants: [TenantID]) {
        guard let sharedRegistry, !tenants.isEmpty else { return }
        // On the registry's lane, as all that is followed: what comes later is told later.
        sharedRegistry.run(
            writes: false,
            { [self] connection in
                for id in tenants where !isServedHere(id) {
                    guard let known = try RegistryReading.tenant(id, in: connection) else { continue }
                    follow(.tenant(id, known))
                }
            },
            then: { [report] result in
                if case .failure(let error) = result { report("cluster: what others changed: \(error)") }
            })
    }

    /// Files are fetched before anybody asks for them, those first that were used last.
    private func fetchInBackground(_ tenants: [TenantID]) {
        guard let cluster else { return }
        let records = tenants.compactMap { roster.tenant(id: $0) }
            .sorted { $0.profile.lastRequestAt?.milliseconds ?? 0 > $1.profile.lastRequestAt?.milliseconds ?? 0 }
            .prefix(cluster.bounds.fetchedMax)
        let chains = cluster.bounds.backgroundFetchesMax
        for start in 0..<min(chains, records.count) {
            fetch(records.enumerated().filter { $0.offset % chains == start }.map(\.element)[...], for: cluster)
        }
    }

    private func fetch(_ records: ArraySlice<TenantRecord>, for cluster: ClusterMember) {
        guard let record = records.first, !isStopping.load(ordering: .relaxed) else { return }
        let later: @Sendable () -> Void = { [self] in
            let pause = DispatchTimeInterval.milliseconds(Int(cluster.bounds.beatMilliseconds))
            DispatchQueue.global().asyncAfter(deadline: .now() + pause) { [self] in fetch(records, for: cluster) }
        }
        // What was taken over before is fetched first.
        guard cluster.beginBackgroundFetch() else { return later() }
        let goOn: @Sendable () -> Void = { [self] in
            cluster.endBackgroundFetch()
            fetch(records.dropFirst(), for: cluster)
        }
        record.lane.exclusively(
            { [self] control in
                do {
                    _ = try control.file()
                } catch LaneFailure.moved where isServedHere(record.id) {
                    // Whoever asks has all places.
                    cluster.endBackgroundFetch()
                    return later()
                } catch {
                    report("tenant \(record.id.text): \(error)")
                }
                goOn()
            }, orElse: { _ in goOn() })
    }
}

extension ClusterMember {
    struct News {
        /// This node's, and not served yet.
        var gained: [TenantID] = []
        var lost: [TenantID] = []
        /// They were this node's, and nobody has said yet whose they are: perhaps this node's still.
        var unknown: [TenantID] = []
    }

    /// Whether the registry is further back than in a view before: a log only grows, so this one is of another moment.
    func isTakenBack(_ view: ClusterView) -> Bool {
        state.withLock { state in
            defer { state.registrySeen = max(state.registrySeen, view.registrySequence) }
            return view.registrySequence < state.registrySeen
        }
    }

    func take(_ view: ClusterView, sent: UInt64) -> News {
        let now = clock.nanoseconds()
        return state.withLock { state in
            var news = News()
            // Where this node did not look for a while, nobody's beats stood still that it knows of.
            let wasAway = state.beatsSince == 0 || now - state.beatsSince > bounds.leaseMilliseconds * 1_000_000
            state.beatsSince = sent
            state.figures.beats += 1
            var peers: [NodeName: Peer] = [:]
            for node in view.nodes {
                let known = state.peers[node.name]
                let stands = known.map { $0.node.beats == node.beats && $0.node.generation == node.generation } ?? false
                let since = stands && !wasAway ? known?.since ?? now : now
                peers[node.name] = Peer(node: node, since: since)
            }
            state.peers = peers
            for owner in view.owners { state.note(owner.tenant, owner.node, own: name) }
            news.lost = state.dropped.filter { state.owners[$0].map { $0 != name } ?? false }
            state.dropped.subtract(news.lost)
            state.dropped = state.dropped.filter { state.owners[$0] == nil }
            news.unknown = Array(state.dropped)
            state.ownersAt = view.ownersAt
            // Those too whose taking over did not come to its end.
            news.gained = Array(state.unready.subtracting(state.underWay.keys))
            return news
        }
    }

    /// Of these tenants those that may be taken over now; `endTakingOver` follows. One that a look and a beat both
    /// found is taken over once: what it did since would be forgotten. Where there are none `then` comes, at the end of
    /// what is under way for one of them.
    func beginTakingOver(_ tenants: [TenantID], orElse then: @escaping @Sendable () -> Void) -> [TenantID] {
        let free = free(of: tenants)
        let (begun, waits) = state.withLock { state in
            let begun = free.filter { state.unready.contains($0) && state.underWay[$0] == nil }
            for tenant in begun { state.underWay[tenant] = [] }
            guard begun.isEmpty, let other = tenants.first(where: { state.underWay[$0] != nil }) else {
                return (begun, false)
            }
            state.underWay[other]?.append(then)
            return (begun, true)
        }
        if begun.isEmpty && !waits { then() }
        return begun
    }

    func endTakingOver(_ tenants: [TenantID]) {
        let waiters = state.withLock { state in tenants.flatMap { state.underWay.removeValue(forKey: $0) ?? [] } }
        for then in waiters { then() }
    }

    /// Nodes that left long ago and have nothing: those that it falls to this one to forget.
    var forgotten: [NodeName] {
        let now = clock.nanoseconds()
        return state.withLock { state in
            let live = state.peers.values.filter { $0.node.state == .serving && !isSilent($0, at: now) }
            guard Self.heir(of: .registry, among: live.map(\.node.name)) == name else { return [] }
            let gone = state.peers.values.filter {
                $0.node.state == .left && $0.silence(at: now) >= bounds.forgottenMilliseconds * 1_000_000
            }
            guard !gone.isEmpty else { return [] }
            let owners = Set(state.owners.values)
            return gone.map(\.node.name).filter { !owners.contains($0) }
        }
    }

    func beatFailed() {
        state.withLock { state in
            state.figures.beatsLost += 1
            let now = clock.nanoseconds()
            for name in state.peers.keys { state.peers[name]?.since = now }
        }
    }

    /// Some tenants of a node that is gone, for one claim.
    struct Orphans {
        let owner: NodeName
        /// As it was taken for gone; nil: nobody knows it.
        let seen: ClusterView.Node?
        let tenants: [TenantID]
    }

    /// Tenants of nodes that are gone and that fall to this one: as many as one beat claims.
    var orphans: [Orphans] {
        let now = clock.nanoseconds()
        return state.withLock { state in
            guard state.state == .serving else { return [] }
            func isGone(_ peer: Peer) -> Bool {
                peer.node.name != name && (peer.node.state == .left || isSilent(peer, at: now))
            }
            // Each node's, that is gone or that nobody knows, and who may have what was its own.
            var heirs: [NodeName: [NodeName]] = [:]
            for owner in Set(state.owners.values) where state.peers[owner].map(isGone) ?? true {
                let schema = state.peers[owner]?.node.schema ?? 0
                heirs[owner] = state.peers.values.filter {
                    $0.node.state == .serving && !isGone($0) && $0.node.schema >= schema
                }.map(\.node.name)
            }
            guard !heirs.isEmpty else { return [] }
            var orphans: [NodeName: [TenantID]] = [:]
            for (tenant, owner) in state.owners {
                guard let names = heirs[owner], Self.heir(of: tenant, among: names) == name else { continue }
                orphans[owner, default: []].append(tenant)
            }
            let (each, peers) = (bounds.claimedAtOnce, state.peers)
            let claims = orphans.flatMap { owner, tenants -> [Orphans] in
                let sorted = tenants.sorted { $0.high < $1.high }
                return stride(from: 0, to: sorted.count, by: each).map { start in
                    Orphans(owner: owner, seen: peers[owner]?.node, tenants: Array(sorted[start...].prefix(each)))
                }
            }
            return Array(claims.prefix(bounds.claimsMax))
        }
    }

    /// Who a tenant falls to: the one that all nodes come to by themselves, and that stays the same for most tenants
    /// when nodes come and go (rendezvous hashing).
    static func heir(of tenant: TenantID, among nodes: [NodeName]) -> NodeName? {
        nodes.max { weight(tenant, $0) < weight(tenant, $1) }
    }

    private static func weight(_ tenant: TenantID, _ node: NodeName) -> UInt64 {
        SHA256.hash(tenant.bytes + Array(node.text.utf8)).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    func noteClaimed(_ got: [TenantID], of asked: [TenantID]) {
        let isGot = Set(got)
        state.withLock { state in
            for tenant in got { state.note(tenant, name, own: name) }
            // Somebody was faster; the next view says who.
            for tenant in asked where !isGot.contains(tenant) { state.owners[tenant] = nil }
            state.figures.claimed += UInt64(got.count)
        }
    }
}

extension SharedLogError {
    var isAway: Bool { if case .away = self { true } else { false } }
}
