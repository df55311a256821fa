import RateLimiter
import Synchronization
import TenantRegistry

/// Keeps the limiter's levels over restarts (G2): written each second and at shutdown, taken back at start with the
/// time that has passed. A restart forgives nothing; kill -9 at most a second. Any thread.
final class LevelKeeper: Sendable {
    /// The process's own bucket; a tenant's kinds are those of `TenantLevels`.
    private static let processKind: UInt8 = 4

    let fleet: Fleet
    let process: Bucket?
    private let levels: TenantLevels
    /// The clock's last save and that of the shutdown may meet: one at a time, so that the file written last is the
    /// newest.
    private let saving = Mutex<Saved>(Saved())

    private struct Saved {
        /// Tenants that had levels to keep when they were last looked at.
        var indebted: [TenantID: TenantRecord] = [:]
        /// The file has no levels.
        var isEmpty = false
    }

    init(fleet: Fleet, process: Bucket?, levels: TenantLevels) {
        self.fleet = fleet
        self.process = process
        self.levels = levels
        fleet.cluster?.attach(
            take: { [weak self] bytes, tenants in self?.takeOver(bytes, tenants) },
            keep: { [weak self] tenant, then in if let self { keep(tenant, then) } else { then() } })
    }

    /// `touched`: tenants that had calls since the last time; those with levels left are known.
    func save(_ touched: [TenantRecord]) { saving.withLock { write(touched, &$0) {} }() }

    /// A tenant goes to another node, which finds its levels as they are now.
    private func keep(_ tenant: TenantRecord, _ then: @escaping @Sendable () -> Void) {
        let now = fleet.monotonic.nanoseconds()
        if levels.entries(of: tenant, in: fleet.roster, now: now).isEmpty { return then() }
        saving.withLock { write([tenant], &$0, isForOthers: true, then) }()
    }

    /// `then` comes once the other nodes of a cluster can know. `isForOthers`: the node's own file has time. Returns
    /// what is left to do outside the lock, as `then` may be a whole move.
    private func write(
        _ touched: [TenantRecord], _ saved: inout Saved, isForOthers: Bool = false,
        _ then: @escaping @Sendable () -> Void
    ) -> @Sendable () -> Void {
        let now = fleet.monotonic.nanoseconds()
        var tenants = saved.indebted
        for tenant in touched { tenants[tenant.id] = tenant }
        saved.indebted = [:]
        var entries: [LevelSnapshot.Entry] = []
        for tenant in tenants.values {
            let own = levels.entries(of: tenant, in: fleet.roster, now: now)
            if !own.isEmpty { saved.indebted[tenant.id] = tenant }
            entries += own
        }
        if let debt = process?.debtNanoseconds(now: now), debt > 0 {
            entries.append(
                LevelSnapshot.Entry(
                    ownerHigh: 0, ownerLow: 0, kind: Self.processKind, id: 0, debtNanoseconds: debt))
        }
        if entries.isEmpty && saved.isEmpty { return then }
        let snapshot = LevelSnapshot(wallMilliseconds: fleet.clock.now().milliseconds, entries: entries)
        // For whoever takes this node's tenants over (N5). In the lock: what is newest comes last.
        let begins = fleet.cluster?.note(levels: snapshot.encoded(), then: then) ?? false
        let goOn: @Sendable () -> Void = { [fleet] in if begins { fleet.cluster?.saveNextLevels() } }
        if isForOthers { return goOn }
        do {
            try LevelFile.save(snapshot, to: fleet.data.levelsPath)
            saved.isEmpty = entries.isEmpty
        } catch {
            fleet.report("levels: \(error)")
        }
        return goOn
    }

    /// Levels of tenants that were another node's: the buckets of one that was here before know some of them. What has
    /// come back since is told by the wall clocks of both: one that is behind gives nothing back, one that is ahead too
    /// much.
    private func takeOver(_ bytes: [UInt8], _ tenants: Set<TenantID>) {
        let snapshot: LevelSnapshot
        do {
            snapshot = try LevelSnapshot(decoding: bytes)
        } catch {
            return fleet.report("levels of another node: \(error)")
        }
        let now = fleet.monotonic.nanoseconds()
        let elapsed = LevelFile.elapsedNanoseconds(
            from: snapshot.wallMilliseconds, to: fleet.clock.now().milliseconds)
        for entry in snapshot.entries where tenants.contains(TenantID(high: entry.ownerHigh, low: entry.ownerLow)) {
            guard
                let tenant = levels.restore(entry, elapsed: elapsed, isRepeat: true, in: fleet.roster, now: now)
            else { continue }
            saving.withLock { $0.indebted[tenant.id] = tenant }
        }
    }

    func restore() {
        let now = fleet.monotonic.nanoseconds()
        let loaded = LevelFile.load(from: fleet.data.levelsPath, wallMilliseconds: fleet.clock.now().milliseconds)
        for entry in loaded.entries {
            if entry.kind == Self.processKind {
                process?.restore(
                    debtNanoseconds: entry.debtNanoseconds, elapsed: loaded.elapsedNanoseconds, now: now)
            } else if let tenant = levels.restore(
                entry, elapsed: loaded.elapsedNanoseconds, in: fleet.roster, now: now)
            {
                saving.withLock { $0.indebted[tenant.id] = tenant }
            }
        }
    }
}
