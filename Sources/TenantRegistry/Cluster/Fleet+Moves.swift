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
        // What its reads left in memory goes into its file, before anything waits for the move.
        flush(record, at: clock.now())
        record.lane.exclusively(
            { [self] control in then(Result { try hand(record, control, to: target, cluster) }) },
            orElse: { then(.failure($0)) })
    }

    /// On its lane. What waits behind it is told that the tenant has moved.
    private func hand(
        _ record: TenantRecord, _ control: LaneControl<TenantStore>, to target: NodeName, _ cluster: ClusterMember
    ) throws {
        guard cluster.isServed(record.id) else { throw MoveFailure.notHere }
        control.closeFile()
        cluster.stopServing(record.id)
        do {
            try cluster.log.hand(record.id, from: cluster.name, to: target)
        } catch {
            // Whether it went nobody knows: the next beat says whose it is.
            cluster.noteUnready(record.id)
            throw error
        }
        cluster.noteOwner(of: record.id, target)
        cluster.state.withLock { $0.figures.moved += 1 }
        forgetWork(of: record)
    }

    /// Gives every tenant away, those to each that would fall to it; takes no more. `then` comes once none is left, or
    /// with the first reason why one is.
    package func drain(then: @escaping @Sendable (Result<Int, any Error>) -> Void) {
        guard let cluster else { return then(.failure(MoveFailure.byItself)) }
        guard !cluster.takers.isEmpty else { return then(.failure(MoveFailure.alone)) }
        cluster.state.withLock { $0.state = .draining }
        let records = cluster.state.withLock { Array($0.ready) }.compactMap { roster.tenant(id: $0) }
        drain(records[...], cluster, moved: 0, failure: nil, then: then)
    }

    /// What the file needs, from the log. Where this node has no room for it the tenant goes to the next that takes
    /// some (N6, case 19). On its lane, while the file is closed.
    func openShared(_ record: TenantRecord) throws -> SharedSink? {
        guard let cluster else { return nil }
        do {
            return try cluster.open(sharedFile(of: record))
        } catch let failure as LaneFailure where failure.isOfCluster {
            throw failure
        } catch let damage as TenantFileError {
            // Whoever is to decide about it finds it here.
            throw damage
        } catch {
            guard DataDirectory.isFull(at: data.path) else { throw error }
            // Who waits goes where it goes.
            throw giveAway(record, cluster) ? LaneFailure.moved : LaneFailure.storageFull
        }
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

    /// The node takes tenants again after a drain.
    package func undrain() { cluster?.state.withLock { $0.state = .serving } }

    /// One after the other: each waits for a round trip to the log, and its calls with it.
    private func drain(
        _ records: ArraySlice<TenantRecord>, _ cluster: ClusterMember, moved: Int, failure: (any Error)?,
        then: @escaping @Sendable (Result<Int, any Error>) -> Void
    ) {
        guard let record = records.first else { return then(failure.map { .failure($0) } ?? .success(moved)) }
        // Who takes some may be another than a moment ago.
        guard let target = ClusterMember.heir(of: record.id, among: cluster.takers) else {
            return then(.failure(failure ?? MoveFailure.alone))
        }
        move(record, to: target) { [self] result in
            let rest = records.dropFirst()
            let (count, first) =
                switch result {
                case .success: (moved + 1, failure)
                case .failure(let error): (moved, failure ?? error)
                }
            // On a stack of its own: a move that fails at once has not left this one.
            let isTaken = cluster.asking.submit { [self] in
                drain(rest, cluster, moved: count, failure: first, then: then)
            }
            if !isTaken { then(.failure(first ?? MoveFailure.alone)) }
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

    func stopServing(_ tenant: TenantID) { state.withLock { _ = $0.ready.remove(tenant) } }

    func noteUnready(_ tenant: TenantID) {
        state.withLock { state in if state.owners[tenant] == name { state.unready.insert(tenant) } }
    }

    /// The process stops in order: others may take its tenants at once. Blocks.
    func leave() {
        endLease()
        _ = try? log.beat(name, generation: generation, state: .left, ownersSince: .max)
        asking.close()
        log.close()
    }
}
