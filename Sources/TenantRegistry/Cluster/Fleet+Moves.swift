import SQLite
import Synchronization

/// Tenants that go to another node while they are served (N4).
extension Fleet {
    package enum MoveFailure: Error, Sendable, Equatable {
        /// There is no such node, or it takes no tenants.
        case noNode
        /// The tenant is not here, so that this node cannot give it away.
        case notHere
        /// There is nobody to take what this node has.
        case alone
        case byItself
    }

    /// Gives the tenant to another node. Calls that come meanwhile wait on its lane, and go where it went. Returns at
    /// once; `then` comes once it is the other's.
    package func move(
        _ record: TenantRecord, to target: NodeName, then: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        guard let cluster else { return then(.failure(MoveFailure.byItself)) }
        guard cluster.isServed(record.id) else { return then(.failure(MoveFailure.notHere)) }
        guard target != cluster.name else { return then(.success(())) }
        guard cluster.takers.contains(target) else { return then(.failure(MoveFailure.noNode)) }
        // What the other goes on from, before anything waits for the move: how far its limits are drawn on, what its
        // month has come to, and most of what its reads left in memory.
        cluster.keepLevels(of: record) { [self] in
            saveCounters(of: [record]) { [self] in
                if !record.readLog.isEmpty { flush(record, at: clock.now()) }
                record.lane.exclusively(
                    { [self] control in then(Result { try hand(record, control, to: target, cluster) }) },
                    orElse: { then(.failure($0)) })
            }
        }
    }

    /// On its lane. What waits behind it is told that the tenant has moved.
    private func hand(
        _ record: TenantRecord, _ control: LaneControl<TenantStore>, to target: NodeName, _ cluster: ClusterMember
    ) throws {
        guard cluster.beginLeaving(record.id) else { throw MoveFailure.notHere }
        defer { cluster.endLeaving(record.id) }
        // Everybody before is answered, and nobody is any more: what is in memory now is the last.
        writeReads(of: record, control)
        // Brought home once it is the other's, who needs the log alone: nobody waits for this node's disk.
        defer { control.closeFile() }
        cluster.stopServing(record.id)
        // Before it can come back: what its taking over begins stays. Where it is not given away it is taken over anew.
        forgetWork(of: record)
        do {
            try cluster.log.hand(record.id, from: cluster.name, to: target)
        } catch {
            // Whether it went nobody knows: the next beat says whose it is.
            cluster.noteUnready(record.id)
            throw error
        }
        cluster.noteOwner(of: record.id, target)
        cluster.state.withLock { $0.figures.moved += 1 }
    }

    /// Where they cannot be written they wait in memory until the tenant comes back; it moves all the same.
    private func writeReads(of record: TenantRecord, _ control: LaneControl<TenantStore>) {
        guard control.isOpen else { return }
        do {
            try control.file().writeReads()
        } catch {
            report("tenant \(record.id.text): audit block: \(error)")
            control.discardFile()
        }
    }

    /// Gives every tenant away, those to each that would fall to it; takes no more. `then` comes once none is left, or
    /// with the first reason why one is.
    package func drain(then: @escaping @Sendable (Result<Int, any Error>) -> Void) {
        guard let cluster else { return then(.failure(MoveFailure.byItself)) }
        guard !cluster.takers.isEmpty else { return then(.failure(MoveFailure.alone)) }
        cluster.state.withLock { $0.state = .draining }
        // Of all at once: each move then has what came since.
        saveCounters { [self] in
            aside(cluster, then) { [self] in
                // One that is on its way may claim tenants still; this one takes none, and the log says so before the
                // first of them goes.
                guard saysThatItDrains(cluster) else { return then(.failure(LaneFailure.logUnavailable)) }
                drain(served(cluster)[...], cluster, moved: 0, failure: nil, then: then)
            }
        }
    }

    /// Whether the log does. What fails now may not with the next beat. Blocks.
    private func saysThatItDrains(_ cluster: ClusterMember) -> Bool {
        for number in 0..<Self.drainBeatsMax {
            if number > 0 { pause(milliseconds: Int(cluster.bounds.beatMilliseconds)) }
            beat()
            if cluster.isKnownToDrain { return true }
        }
        return false
    }

    private static let drainBeatsMax = 4

    /// A step of a drain, on a stack of its own.
    private func aside(
        _ cluster: ClusterMember, _ then: @escaping @Sendable (Result<Int, any Error>) -> Void,
        failure: (any Error)? = nil, _ step: @escaping @Sendable () -> Void
    ) {
        cluster.aside(step) { then(.failure(failure ?? MoveFailure.alone)) }
    }

    /// What was on its way here when the drain began goes too, once it is served: `looks` have found some of it on its
    /// way still. `knowsAll`: the registry has been read since.
    private func drainLate(
        _ cluster: ClusterMember, moved: Int, looks: Int = 0, knowsAll: Bool = false,
        then: @escaping @Sendable (Result<Int, any Error>) -> Void
    ) {
        let late = served(cluster)
        if !late.isEmpty { return drain(late[...], cluster, moved: moved, failure: nil, then: then) }
        // Who is unknown then, or not whole, is nobody to serve.
        let arriving = cluster.arriving.filter { tenant in
            !knowsAll || roster.tenant(id: tenant).map { !$0.profile.isUnfinished } ?? false
        }
        if arriving.isEmpty { return then(.success(moved)) }
        guard looks < Self.drainLooksMax else { return then(.failure(MoveFailure.notHere)) }
        // What fails now may not with the next beat.
        if looks > 0 { pause(milliseconds: Int(cluster.bounds.beatMilliseconds)) }
        takeOver(arriving) { [self] in
            cluster.catchUp { [self] succeeded in
                aside(cluster, then) { [self] in
                    drainLate(cluster, moved: moved, looks: looks + 1, knowsAll: succeeded, then: then)
                }
            }
        }
    }

    private static let drainLooksMax = 20

    private func served(_ cluster: ClusterMember) -> [TenantRecord] {
        cluster.state.withLock { Array($0.ready) }.compactMap { roster.tenant(id: $0) }
    }

    /// What the file needs, from the log. Where this node has no room for it the tenant goes to the next that takes
    /// some (N6, case 19). On its lane, while the file is closed.
    func openShared(_ record: TenantRecord) throws -> SharedSink? {
        guard let cluster else { return nil }
        let file = sharedFile(of: record)
        let hadOther = DataDirectory.size(of: file.path + SharedFile.aheadSuffix) != nil
        // Where it cannot be fetched yet, too: the next opening finds it kept already.
        defer {
            if !hadOther, DataDirectory.size(of: file.path + SharedFile.aheadSuffix) != nil {
                report(
                    "tenant \(record.id.text): its file here was of another history than the log, from before the "
                        + "database was taken back: it is kept as \(file.path)\(SharedFile.aheadSuffix)")
            }
        }
        do {
            return try cluster.open(file)
        } catch let failure as LaneFailure where failure.isOfCluster {
            throw failure
        } catch let damage as TenantFileError {
            // Whoever is to decide about it finds it here.
            throw damage
        } catch {
            // What did not fit is gone again, and there is room, if not for that.
            guard Self.lacksRoom(error) || DataDirectory.isFull(at: data.path) else { throw error }
            // Who waits goes where it goes.
            throw giveAway(record, cluster) ? LaneFailure.moved : LaneFailure.storageFull
        }
    }

    /// Whether it says that what was to be written did not fit on the disk.
    private static func lacksRoom(_ error: any Error) -> Bool {
        if case LaneFailure.storageFull = error { return true }
        return (error as? SQLiteError)?.isFull ?? false
    }

    /// Tenants that fell to this node and that it cannot serve go to the next. Blocks.
    func passOn(_ tenants: [TenantID], _ cluster: ClusterMember) {
        for tenant in tenants {
            guard let target = cluster.nextTaker(of: tenant) else { continue }
            report("tenant \(tenant.text): no room to take it over: it goes to node \(target.text)")
            do throws(SharedLogError) {
                try cluster.log.hand(tenant, from: cluster.name, to: target)
                cluster.noteOwner(of: tenant, target)
            } catch {
                report("tenant \(tenant.text): it stays: \(error)")
                if error.isAway { return }
            }
        }
    }

    /// Whether it is on its way.
    private func giveAway(_ record: TenantRecord, _ cluster: ClusterMember) -> Bool {
        guard let target = cluster.nextTaker(of: record.id) else { return false }
        report("tenant \(record.id.text): no room for its file: it goes to node \(target.text)")
        move(record, to: target) { [self] result in
            if case .failure(let error) = result { report("tenant \(record.id.text): it stays: \(error)") }
        }
        return true
    }

    /// A tenant that has just been made here goes to a node that takes some, if this one is drained, or was. Where
    /// there is none it stays. Returns at once.
    func passOnNew(_ record: TenantRecord) {
        guard let cluster, cluster.ownState == .draining,
            let target = ClusterMember.heir(of: record.id, among: cluster.takers)
        else { return }
        move(record, to: target) { [self] result in
            switch result {
            // A drain that runs found it too.
            case .success, .failure(MoveFailure.notHere): break
            case .failure(let error): report("tenant \(record.id.text): it stays: \(error)")
            }
        }
    }

    /// The node takes tenants again after a drain.
    package func undrain() { cluster?.state.withLock { $0.state = .serving } }

    /// The same; `then` comes once a beat has told the log, or could not: a later one does.
    package func undrain(then: @escaping @Sendable () -> Void) {
        undrain()
        guard let cluster else { return then() }
        cluster.aside(
            { [self] in
                beat()
                then()
            }, orElse: then)
    }

    /// One after the other: each waits for a round trip to the log, and its calls with it.
    private func drain(
        _ records: ArraySlice<TenantRecord>, _ cluster: ClusterMember, moved: Int, failure: (any Error)?,
        then: @escaping @Sendable (Result<Int, any Error>) -> Void
    ) {
        guard let record = records.first else {
            if let failure { return then(.failure(failure)) }
            return drainLate(cluster, moved: moved, then: then)
        }
        // Who takes some may be another than a moment ago.
        guard let target = ClusterMember.heir(of: record.id, among: cluster.takers) else {
            // The others drain too, or are gone: this one takes tenants again, so that somebody does.
            undrain()
            return then(.failure(MoveFailure.alone))
        }
        move(record, to: target) { [self] result in
            let rest = records.dropFirst()
            let (count, first) =
                switch result {
                case .success: (moved + 1, failure)
                // It went by itself meanwhile.
                case .failure(MoveFailure.notHere): (moved, failure)
                case .failure(let error): (moved, failure ?? error)
                }
            // A move that fails at once has not left this stack.
            aside(cluster, then, failure: first) { [self] in
                drain(rest, cluster, moved: count, failure: first, then: then)
            }
        }
    }
}

extension ClusterMember {
    /// Others that take tenants.
    var takers: [NodeName] {
        let now = clock.nanoseconds()
        return state.withLock { state in
            // One that does not know this node's schema could not open what this node has migrated.
            let schema = state.peers[name]?.node.schema ?? 0
            return state.peers.values.filter {
                $0.node.name != name && $0.node.state == .serving && $0.node.schema >= schema
                    && !isSilent($0, at: now)
            }.map(\.node.name)
        }
    }

    /// Whether the last beat that came back says so.
    fileprivate var isKnownToDrain: Bool { state.withLock { $0.peers[name]?.node.state == .draining } }

    /// Who gets a tenant for which there is no room here; nil: nobody, or it was given away a moment ago. Where every
    /// disk is full tenants do not go round and round.
    fileprivate func nextTaker(of tenant: TenantID) -> NodeName? {
        guard let target = Self.heir(of: tenant, among: takers) else { return nil }
        let (now, rest) = (clock.nanoseconds(), bounds.givenAwayMilliseconds * 1_000_000)
        return state.withLock { state in
            state.givenAwayAt = state.givenAwayAt.filter { now < $0.value + rest }
            guard state.givenAwayAt[tenant] == nil else { return nil }
            state.givenAwayAt[tenant] = now
            return target
        }
    }

    /// From now on calls of the tenant wait for where it goes, while what is under way is still written. False where it
    /// is not served here.
    fileprivate func beginLeaving(_ tenant: TenantID) -> Bool {
        state.withLock { state in
            guard state.owners[tenant] == name, state.ready.contains(tenant) else { return false }
            state.leaving.insert(tenant)
            return true
        }
    }

    /// The node's own that it does not serve yet, or that are being taken over.
    fileprivate var arriving: [TenantID] {
        state.withLock { state in Array(state.unready.union(state.underWay.keys)) }
    }

    fileprivate func endLeaving(_ tenant: TenantID) { state.withLock { _ = $0.leaving.remove(tenant) } }

    func stopServing(_ tenant: TenantID) { state.withLock { _ = $0.ready.remove(tenant) } }

    func noteUnready(_ tenant: TenantID) {
        state.withLock { state in if state.owners[tenant] == name { state.unready.insert(tenant) } }
    }

    /// The process stops in order: others may take its tenants at once. Blocks.
    func leave() {
        endLease()
        // Behind a beat that is on its way, which says that the node serves.
        beating.withLock { _ in
            _ = try? log.beat(name, generation: generation, state: .left, ownersSince: .max)
        }
        asking.close()
        log.close()
    }
}
