import Foundation
import SQLite

/// The end of a tenant that was deleted or never came to be (P1, P5).
extension Fleet {
    /// Erases what there is of it: its files, then its row. `isMarked`: the registry says `creating` or `deleting` of
    /// it already, so that a crash leaves none of it; else that comes first. Where the disk fails, the clock tries
    /// again; its name stays taken until then.
    func bury(
        _ profile: TenantProfile, isMarked: Bool, as act: ProviderAct, then: @escaping @Sendable () -> Void = {}
    ) {
        let later: @Sendable (any Error) -> Void = { [self] error in
            report("tenant \(profile.id.text): its erasure is not done yet: \(error)")
            unburied.withLock { $0.append(Unburied(profile: profile, act: act)) }
            then()
        }
        let erase: @Sendable () -> Void = { [self] in
            removeFiles(of: profile.id)
            do {
                try options.erasing(profile.id)
                try cluster?.remove(profile.id)
            } catch {
                return later(error)
            }
            registry.erase(profile, as: act) { result in
                if case .failure(let error) = result { return later(error) }
                then()
            }
        }
        // It waits for the cluster's log, which the registry's lane must not.
        let eraseAside: @Sendable () -> Void = { [self] in
            guard let cluster else { return erase() }
            cluster.aside(erase, orElse: { later(LaneFailure.logUnavailable) })
        }
        if isMarked { return eraseAside() }
        registry.change(
            profile.id, as: nil, domains: nil, judge: { _ in }, { $0.state = .deleting }
        ) { result in
            switch result {
            case .success: eraseAside()
            case .failure(RegistryRefusal.unknownTenant):
                // Another node has erased it while this one made it: what this one has is nobody's.
                self.cluster?.aside { [self] in
                    removeFiles(of: profile.id)
                    try? cluster?.remove(profile.id)
                }
                then()
            case .failure(let error): later(error)
            }
        }
    }

    /// On its lane, which does nothing afterwards: what memory gathered for its file goes, and nobody keeps the record.
    func retire(_ record: TenantRecord, _ control: LaneControl<TenantStore>) {
        control.retire()
        record.readLog.discard()
        record.events.wakeAll()
        lastHousekeeping.withLock { $0[record.id] = nil }
    }

    /// Tries again what the disk cut short. From the clock.
    func buryAgain() {
        let waiting = unburied.withLock { unburied in
            defer { unburied.removeAll() }
            return unburied
        }
        for one in waiting {
            if one.isFound {
                buryUnfinished(one.profile)
            } else {
                bury(one.profile, isMarked: false, as: one.act)
            }
        }
    }

    /// Erases a tenant that was found half-made or half-erased, unless the node that makes it has made it whole since.
    func buryUnfinished(_ profile: TenantProfile) {
        let act = ownAct("tenant.deleted")
        registry.change(
            profile.id, as: nil, domains: nil, judge: { _ in },
            { profile in
                guard profile.isUnfinished else { throw IsWhole() }
                profile.state = .deleting
            }
        ) { [self] result in
            switch result {
            case .success: bury(profile, isMarked: true, as: act)
            case .failure(RegistryRefusal.unknownTenant): break
            case .failure(is IsWhole):
                // The next beat takes it over like any other.
                cluster?.stopServing(profile.id)
                cluster?.noteUnready(profile.id)
            case .failure(let error):
                report("tenant \(profile.id.text): its erasure is not done yet: \(error)")
                unburied.withLock { $0.append(Unburied(profile: profile, act: act, isFound: true)) }
            }
        }
    }

    private struct IsWhole: Error {}

    func removeFiles(of id: TenantID) {
        let path = data.tenantPath(id)
        for suffix in [
            "", "-wal", "-journal", "-shm", ".recovering", ".recovering-wal", ".restoring", ".restoring-wal",
            FileSwap.decidedSuffix, FileSwap.beforeSuffix, PackedFile.suffix,
        ] + PackedFile.unfinishedSuffixes + SharedFile.suffixes {
            DataDirectory.remove(path + suffix)
        }
        forgetRecords(of: id)
        if let past { past.erase(id) } else { FormerPast.erase(id, in: data.pastFolder) }
        // Where this is lost the tombstone is still there at the next start.
        try? DataDirectory.synchronise(folder: data.tenantFolder(id))
    }
}

/// A tenant whose erasure is not done.
struct Unburied {
    let profile: TenantProfile
    let act: ProviderAct
    /// Whether nobody has decided yet that it is to be erased.
    var isFound = false
}
