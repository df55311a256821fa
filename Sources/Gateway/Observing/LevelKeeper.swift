import RateLimiter
import Synchronization
import TenantRegistry

/// Keeps the limiter's levels over restarts (G2): written each second and at shutdown, taken back at start with the
/// time that has passed. A restart forgives nothing; kill -9 at most a second. Any thread.
final class LevelKeeper: Sendable {
    private enum Kind: UInt8 {
        case key = 1
        case reseller = 2
        case tenant = 3
        case process = 4
    }

    /// The kind of a reseller's bucket of a route class is this and the class's number.
    private static let routeClassBase: UInt8 = 0x40

    let fleet: Fleet
    let process: Bucket?
    /// By number.
    private let routeClasses: [UInt8: RouteClass]
    /// The clock's last save and that of the shutdown may meet: one at a time, so that the file written last is the
    /// newest.
    private let saving = Mutex<Saved>(Saved())

    private struct Saved {
        /// Tenants that had levels to keep when they were last looked at.
        var indebted: [TenantID: TenantRecord] = [:]
        /// The file has no levels.
        var isEmpty = false
    }

    /// `routeClasses`: all that there are; levels of others are forgotten.
    init(fleet: Fleet, process: Bucket?, routeClasses: Set<RouteClass>) {
        self.fleet = fleet
        self.process = process
        self.routeClasses = Dictionary(uniqueKeysWithValues: routeClasses.map { ($0.number, $0) })
    }

    /// `touched`: tenants that had calls since the last time; those with levels left are known.
    func save(_ touched: [TenantRecord]) { saving.withLock { write(touched, &$0) } }

    private func write(_ touched: [TenantRecord], _ saved: inout Saved) {
        let now = fleet.monotonic.nanoseconds()
        var tenants = saved.indebted
        for tenant in touched { tenants[tenant.id] = tenant }
        saved.indebted = [:]
        var entries: [LevelSnapshot.Entry] = []
        func note(_ bucket: Bucket?, _ owner: TenantID, _ kind: UInt8, _ id: Int64) {
            guard let debt = bucket?.debtNanoseconds(now: now), debt > 0 else { return }
            entries.append(
                LevelSnapshot.Entry(
                    ownerHigh: owner.high, ownerLow: owner.low, kind: kind, id: id, debtNanoseconds: debt))
        }
        for tenant in tenants.values {
            let before = entries.count
            defer { if entries.count > before { saved.indebted[tenant.id] = tenant } }
            note(tenant.bucket, tenant.id, Kind.tenant.rawValue, 0)
            for key in fleet.roster.keys(of: tenant.id) {
                note(key.current.bucket, tenant.id, Kind.key.rawValue, key.id)
            }
            for reseller in fleet.roster.resellers(of: tenant.id) {
                note(reseller.bucket, tenant.id, Kind.reseller.rawValue, reseller.id)
                for (routeClass, bucket) in reseller.routeClasses.all {
                    note(bucket, tenant.id, Self.routeClassBase + routeClass.number, reseller.id)
                }
            }
        }
        note(process, TenantID(high: 0, low: 0), Kind.process.rawValue, 0)
        if entries.isEmpty && saved.isEmpty { return }
        do {
            try LevelFile.save(
                LevelSnapshot(wallMilliseconds: fleet.clock.now().milliseconds, entries: entries),
                to: fleet.data.levelsPath)
            saved.isEmpty = entries.isEmpty
        } catch {
            fleet.report("levels: \(error)")
        }
    }

    func restore() {
        let now = fleet.monotonic.nanoseconds()
        let loaded = LevelFile.load(from: fleet.data.levelsPath, wallMilliseconds: fleet.clock.now().milliseconds)
        for entry in loaded.entries {
            let owner = TenantID(high: entry.ownerHigh, low: entry.ownerLow)
            let bucket: Bucket? =
                switch Kind(rawValue: entry.kind) {
                case .key: fleet.roster.key(entry.id, of: owner)?.current.bucket
                case .reseller: fleet.roster.reseller(entry.id, of: owner)?.bucket
                case .tenant: fleet.roster.tenant(id: owner)?.bucket
                case .process: process
                case nil: routeClassBucket(entry, of: owner, now: now)
                }
            bucket?.restore(debtNanoseconds: entry.debtNanoseconds, elapsed: loaded.elapsedNanoseconds, now: now)
            if let tenant = fleet.roster.tenant(id: owner) { saving.withLock { $0.indebted[owner] = tenant } }
        }
    }

    private func routeClassBucket(_ entry: LevelSnapshot.Entry, of owner: TenantID, now: UInt64) -> Bucket? {
        guard entry.kind > Self.routeClassBase, let routeClass = routeClasses[entry.kind - Self.routeClassBase]
        else { return nil }
        return fleet.roster.reseller(entry.id, of: owner)?.routeClasses.bucket(of: routeClass, now: now)
    }
}
