package import RateLimiter

/// How far a tenant's buckets are drawn on: what a restart gives back (G2), and what a tenant takes along when it moves
/// (P10). A value: any thread.
package struct TenantLevels: Sendable {
    private enum Kind: UInt8 {
        case key = 1
        case reseller = 2
        case tenant = 3
    }

    /// The kind of a reseller's bucket of a route class is this and the class's number.
    private static let routeClassBase: UInt8 = 0x40

    /// By number.
    private let routeClasses: [UInt8: RouteClass]

    /// `routeClasses`: all that there are; levels of others are forgotten.
    package init(routeClasses: Set<RouteClass>) {
        self.routeClasses = Dictionary(uniqueKeysWithValues: routeClasses.map { ($0.number, $0) })
    }

    package func entries(of tenant: TenantRecord, in roster: Roster, now: UInt64) -> [LevelSnapshot.Entry] {
        var entries: [LevelSnapshot.Entry] = []
        func note(_ bucket: Bucket?, _ kind: UInt8, _ id: Int64) {
            guard let debt = bucket?.debtNanoseconds(now: now), debt > 0 else { return }
            entries.append(
                LevelSnapshot.Entry(
                    ownerHigh: tenant.id.high, ownerLow: tenant.id.low, kind: kind, id: id, debtNanoseconds: debt))
        }
        note(tenant.bucket, Kind.tenant.rawValue, 0)
        for key in roster.keys(of: tenant.id) { note(key.current.bucket, Kind.key.rawValue, key.id) }
        for reseller in roster.resellers(of: tenant.id) {
            note(reseller.bucket, Kind.reseller.rawValue, reseller.id)
            for (routeClass, bucket) in reseller.routeClasses.all {
                note(bucket, Self.routeClassBase + routeClass.number, reseller.id)
            }
        }
        return entries
    }

    /// Draws the bucket that an entry is about down again, less what has come back in `elapsed`; one that is gone is
    /// left out. Returns the tenant, where there is one. `isRepeat`: as of `Bucket.restore`.
    @discardableResult
    package func restore(
        _ entry: LevelSnapshot.Entry, elapsed: UInt64, isRepeat: Bool = false, in roster: Roster, now: UInt64
    ) -> TenantRecord? {
        let owner = TenantID(high: entry.ownerHigh, low: entry.ownerLow)
        let bucket: Bucket? =
            switch Kind(rawValue: entry.kind) {
            case .key: roster.key(entry.id, of: owner)?.current.bucket
            case .reseller: roster.reseller(entry.id, of: owner)?.bucket
            case .tenant: roster.tenant(id: owner)?.bucket
            case nil: routeClassBucket(entry, of: owner, in: roster, now: now)
            }
        bucket?.restore(debtNanoseconds: entry.debtNanoseconds, elapsed: elapsed, isRepeat: isRepeat, now: now)
        return roster.tenant(id: owner)
    }

    private func routeClassBucket(
        _ entry: LevelSnapshot.Entry, of owner: TenantID, in roster: Roster, now: UInt64
    ) -> Bucket? {
        guard entry.kind > Self.routeClassBase, let routeClass = routeClasses[entry.kind - Self.routeClassBase]
        else { return nil }
        return roster.reseller(entry.id, of: owner)?.routeClasses.bucket(of: routeClass, now: now)
    }
}
