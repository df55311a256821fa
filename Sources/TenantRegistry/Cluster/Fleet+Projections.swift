import Dispatch
import SQLite

/// What the registry of several nodes has to know of a tenant's keys and resellers before a caller is answered (N5).
extension Fleet {
    private static let projectionPauseMilliseconds = 250

    /// The registry missed what commits up to `epoch` made of the tenant's keys and resellers. Other nodes go by it,
    /// and so does whoever takes the tenant over: it is told anew, for `ClusterBounds.projectionMilliseconds`, and
    /// after that with each beat. A node by itself goes by its memory, and its registry follows when the file is
    /// opened. However many wait for one tenant, one try is under way for all of them. Returns at once; `then`: whether
    /// the registry knows.
    package func projectAgain(
        _ record: TenantRecord, upTo epoch: Int64, then: @escaping @Sendable (_ isKnown: Bool) -> Void
    ) {
        guard let cluster else { return then(true) }
        cluster.noteUnprojected(record.id)
        let end = monotonic.nanoseconds() + cluster.bounds.projectionMilliseconds * 1_000_000
        let begins = cluster.waitForProjection(
            of: record.id, ProjectionWaiter(epoch: epoch, end: end, then: then))
        if begins { projectOnce(record, cluster) }
    }

    /// One try, for all who wait as it begins: who comes later may have committed what it does not see, and waits for
    /// the next.
    private func projectOnce(_ record: TenantRecord, _ cluster: ClusterMember) {
        let waiters = cluster.projectionWaiters(of: record.id)
        let judge: @Sendable (Int64?) -> Void = { [self] known in
            let isEnding = isStopping.load(ordering: .relaxed)
            let now = monotonic.nanoseconds()
            var left: [ProjectionWaiter] = []
            for waiter in waiters {
                let isKnown = known.map { $0 >= waiter.epoch } ?? false
                if isKnown || isEnding || now >= waiter.end { waiter.then(isKnown) } else { left.append(waiter) }
            }
            guard cluster.goesOnProjecting(record.id, for: left) else { return }
            if left.isEmpty { return projectOnce(record, cluster) }
            let pause = DispatchTimeInterval.milliseconds(Self.projectionPauseMilliseconds)
            DispatchQueue.global().asyncAfter(deadline: .now() + pause) { [self] in projectOnce(record, cluster) }
        }
        if cluster.isServed(record.id) {
            // All of it, as the file has it now: what came later must not be overwritten by what came before.
            refreshProjection(of: record) { result in
                if case .success = result { judge(.max) } else { judge(nil) }
            }
        } else {
            // Whoever has the tenant now tells the registry what its file says, once that is opened.
            look(at: record.id, cluster, then: judge)
        }
    }

    /// Up to which epoch the registry knows, whoever said it: all of a tenant that is no more. Nil where it cannot be
    /// asked.
    private func look(
        at tenant: TenantID, _ cluster: ClusterMember, then: @escaping @Sendable (_ known: Int64?) -> Void
    ) {
        guard let sharedRegistry else { return then(nil) }
        cluster.catchUp { succeeded in
            guard succeeded else { return then(nil) }
            sharedRegistry.run(
                writes: false,
                { connection -> Int64 in
                    try RegistryReading.tenant(tenant, in: connection)?.row.profile.projectionEpoch ?? .max
                },
                then: { result in then(try? result.get()) })
        }
    }

    /// Goes on once the registry has missed nothing of the tenant's keys and resellers: at once, where nothing is known
    /// to be missing. `then`: whether it has it all.
    package func whenProjected(_ record: TenantRecord, then: @escaping @Sendable (_ isKnown: Bool) -> Void) {
        guard let cluster, cluster.isUnprojected(record.id) else { return then(true) }
        // A tenant that has left meanwhile: whoever has it now can say, and this node cannot.
        projectAgain(record, upTo: .max, then: then)
    }
}

/// Who waits for the registry to know what commits up to an epoch made of a tenant's keys and resellers.
struct ProjectionWaiter: Sendable {
    let epoch: Int64
    /// By the monotonic clock: after that it hears that the registry does not know.
    let end: UInt64
    let then: @Sendable (_ isKnown: Bool) -> Void
}

extension ClusterMember {
    /// True where no try is under way: the caller begins one.
    func waitForProjection(of tenant: TenantID, _ waiter: ProjectionWaiter) -> Bool {
        state.withLock { state in
            let isUnderWay = state.projecting[tenant] != nil
            state.projecting[tenant, default: []].append(waiter)
            return !isUnderWay
        }
    }

    /// Whom the try that begins now is for.
    func projectionWaiters(of tenant: TenantID) -> [ProjectionWaiter] {
        state.withLock { state in
            guard let waiters = state.projecting[tenant] else { return [] }
            state.projecting[tenant] = []
            return waiters
        }
    }

    /// A try is over, and these wait on. False where nobody waits any more.
    func goesOnProjecting(_ tenant: TenantID, for left: [ProjectionWaiter]) -> Bool {
        state.withLock { state in
            let waiting = left + (state.projecting[tenant] ?? [])
            state.projecting[tenant] = waiting.isEmpty ? nil : waiting
            return !waiting.isEmpty
        }
    }

    /// The registry missed what the file says of its keys and resellers; it is told with each beat until it has it.
    func noteUnprojected(_ tenant: TenantID) {
        state.withLock { if $0.owners[tenant] == name { $0.unprojected.insert(tenant) } }
    }

    /// It has been told all that the file says.
    func noteProjected(_ tenant: TenantID) { state.withLock { _ = $0.unprojected.remove(tenant) } }

    func isUnprojected(_ tenant: TenantID) -> Bool { state.withLock { $0.unprojected.contains(tenant) } }

    var unprojected: Set<TenantID> { state.withLock { $0.unprojected } }
}
