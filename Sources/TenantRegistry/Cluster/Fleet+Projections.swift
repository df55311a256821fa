import Dispatch
import SQLite

/// What the registry of several nodes has to know of a tenant's keys and resellers before a caller is answered (N5).
extension Fleet {
    private static let projectionPauseMilliseconds = 250

    /// The registry missed what commits up to `epoch` made of the tenant's keys and resellers. Other nodes go by it,
    /// and so does whoever takes the tenant over: it is told anew, for `ClusterBounds.projectionMilliseconds`, and
    /// after that with each beat. A node by itself goes by its memory, and its registry follows when the file is
    /// opened. Returns at once; `then`: whether the registry knows.
    package func projectAgain(
        _ record: TenantRecord, upTo epoch: Int64, then: @escaping @Sendable (_ isKnown: Bool) -> Void
    ) {
        guard let cluster else { return then(true) }
        cluster.noteUnprojected(record.id)
        let end = monotonic.nanoseconds() + cluster.bounds.projectionMilliseconds * 1_000_000
        projectAgain(record, upTo: epoch, until: end, cluster, then)
    }

    private func projectAgain(
        _ record: TenantRecord, upTo epoch: Int64, until end: UInt64, _ cluster: ClusterMember,
        _ then: @escaping @Sendable (Bool) -> Void
    ) {
        let judge: @Sendable (Bool) -> Void = { [self] isKnown in
            if isKnown || isStopping.load(ordering: .relaxed) || monotonic.nanoseconds() >= end { return then(isKnown) }
            let pause = DispatchTimeInterval.milliseconds(Self.projectionPauseMilliseconds)
            DispatchQueue.global().asyncAfter(deadline: .now() + pause) { [self] in
                projectAgain(record, upTo: epoch, until: end, cluster, then)
            }
        }
        if cluster.isServed(record.id) {
            // All of it, as the file has it now: what came later must not be overwritten by what came before.
            refreshProjection(of: record) { result in
                if case .success = result { judge(true) } else { judge(false) }
            }
        } else {
            // Whoever has the tenant now tells the registry what its file says, once that is opened.
            look(for: epoch, of: record.id, cluster, then: judge)
        }
    }

    /// Whether the registry knows all up to there, whoever said it.
    private func look(
        for epoch: Int64, of tenant: TenantID, _ cluster: ClusterMember, then: @escaping @Sendable (Bool) -> Void
    ) {
        guard let sharedRegistry else { return then(false) }
        cluster.catchUp { succeeded in
            guard succeeded else { return then(false) }
            sharedRegistry.run(
                writes: false,
                { connection -> Bool in
                    guard let known = try RegistryReading.tenant(tenant, in: connection) else { return true }
                    return known.row.profile.projectionEpoch >= epoch
                },
                then: { result in
                    if case .success(let isKnown) = result { then(isKnown) } else { then(false) }
                })
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

extension ClusterMember {
    /// The registry missed what the file says of its keys and resellers; it is told with each beat until it has it.
    func noteUnprojected(_ tenant: TenantID) {
        state.withLock { if $0.owners[tenant] == name { $0.unprojected.insert(tenant) } }
    }

    /// It has been told all that the file says.
    func noteProjected(_ tenant: TenantID) { state.withLock { _ = $0.unprojected.remove(tenant) } }

    func isUnprojected(_ tenant: TenantID) -> Bool { state.withLock { $0.unprojected.contains(tenant) } }

    var unprojected: Set<TenantID> { state.withLock { $0.unprojected } }
}
