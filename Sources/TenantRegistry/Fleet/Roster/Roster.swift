package import Cryptography
import RateLimiter
import Synchronization

/// What the loops look things up in: tenants by slug and host name, keys by the hash of their secret.
///
/// Invariant: it says what the registry and the tenants' files have committed; it changes before the change is
/// answered, so that no request that begins after an answer is judged by an older state (G3). Any thread.
package final class Roster: Sendable {
    private static let shardCount = 64

    /// One shard of the secrets: a lock held for one look-up.
    private final class Shard: Sendable {
        let secrets = Mutex<[Digest: Entry]>([:])
    }

    private struct Entry {
        let key: KeyRecord
        let expiresAt: Timestamp?
    }

    private struct Tenants {
        var byID: [TenantID: TenantRecord] = [:]
        var bySlug: [String: TenantRecord] = [:]
        var byHost: [String: TenantRecord] = [:]
        var keys: [TenantID: [Int64: KeyRecord]] = [:]
        var resellers: [TenantID: [Int64: ResellerRecord]] = [:]
        /// Which hashes each key has now, so that a rotation can take the old ones out.
        var hashes: [TenantID: [Int64: [Digest]]] = [:]
        /// All slugs in their order, made when a list asks; nil since a tenant came or went.
        var sortedSlugs: [String]?
        /// How often one came or went.
        var membershipChanges: UInt64 = 0

        mutating func membershipChanged() {
            sortedSlugs = nil
            membershipChanges += 1
        }
    }

    private let shards = (0..<shardCount).map { _ in Shard() }
    private let tenants = Mutex(Tenants())
    private let monotonic: any MonotonicClock
    /// How many host names there are.
    private let hostCount = Atomic<Int>(0)

    package init(monotonic: any MonotonicClock) { self.monotonic = monotonic }

    // MARK: Looking up

    package func tenant(slug: String) -> TenantRecord? { tenants.withLock { $0.bySlug[slug] } }
    package func tenant(host: String) -> TenantRecord? { tenants.withLock { $0.byHost[host] } }
    /// Whether any tenant has a host name of its own.
    package var hasHosts: Bool { hostCount.load(ordering: .acquiring) > 0 }
    package func tenant(id: TenantID) -> TenantRecord? { tenants.withLock { $0.byID[id] } }
    package var allTenants: [TenantRecord] { tenants.withLock { Array($0.byID.values) } }
    package var tenantCount: Int { tenants.withLock { $0.byID.count } }

    /// A page of tenants in the order of their slugs, from the first behind `slug`. Not on a loop: the first page after
    /// a tenant came or went sorts all slugs.
    package func tenants(after slug: String?, limit: Int) -> [TenantRecord] {
        let slugs = sortedSlugs()
        let first = slug.map { Self.place(after: $0, in: slugs) } ?? 0
        return tenants.withLock { tenants in
            var page: [TenantRecord] = []
            for slug in slugs[first...] {
                if page.count == limit { break }
                if let tenant = tenants.bySlug[slug] { page.append(tenant) }
            }
            return page
        }
    }

    private func sortedSlugs() -> [String] {
        let (known, slugs, changes) = tenants.withLock { tenants in
            let known = tenants.sortedSlugs
            return (known, known == nil ? Array(tenants.bySlug.keys) : [], tenants.membershipChanges)
        }
        if let known { return known }
        let sorted = slugs.sorted()
        tenants.withLock { if $0.membershipChanges == changes { $0.sortedSlugs = sorted } }
        return sorted
    }

    private static func place(after slug: String, in slugs: [String]) -> Int {
        var (low, high) = (0, slugs.count)
        while low < high {
            let middle = (low + high) / 2
            if slugs[middle] <= slug { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// How many resellers and keys have a place in the tenant's quotas, as those are judged (P2): who is terminated or
    /// applied and waits has none, neither have keys that open nothing, nor sessions.
    package func places(of tenant: TenantID, at now: Timestamp) -> (resellers: Int, keys: Int) {
        let keys = keys(of: tenant).count { key in
            let projection = key.projection
            let isOpen = !projection.isRevoked && projection.expiresAt.map { now < $0 } ?? true
            return isOpen && !projection.role.isSession && key.reseller?.projection.hasPlace ?? true
        }
        return (resellers(of: tenant).count { $0.projection.hasPlace }, keys)
    }
    package func keys(of tenant: TenantID) -> [KeyRecord] {
        tenants.withLock { Array(($0.keys[tenant] ?? [:]).values) }
    }
    package func resellers(of tenant: TenantID) -> [ResellerRecord] {
        tenants.withLock { Array(($0.resellers[tenant] ?? [:]).values) }
    }
    package func key(_ id: Int64, of tenant: TenantID) -> KeyRecord? { tenants.withLock { $0.keys[tenant]?[id] } }
    package func reseller(_ id: Int64, of tenant: TenantID) -> ResellerRecord? {
        tenants.withLock { $0.resellers[tenant]?[id] }
    }

    /// The key that this secret opens now; nil for unknown, rotated-out, revoked and expired alike.
    package func key(hash: Digest, at now: Timestamp) -> KeyRecord? {
        let entry = shard(of: hash).secrets.withLock { $0[hash] }
        guard let entry else { return nil }
        if let end = entry.expiresAt, now >= end { return nil }
        return entry.key
    }

    // MARK: Changing

    package func add(_ tenant: TenantRecord) {
        let profile = tenant.profile
        tenants.withLock { tenants in
            tenants.byID[tenant.id] = tenant
            tenants.bySlug[profile.slug] = tenant
            tenants.membershipChanged()
            for host in profile.domains { tenants.byHost[host] = tenant }
            hostCount.store(tenants.byHost.count, ordering: .releasing)
        }
    }

    /// Takes over a changed profile (state, tier, limit, domains). Slug and id never change.
    package func update(_ tenant: TenantRecord, _ change: (inout TenantProfile) -> Void) {
        let before = tenant.profile.domains
        tenant.update(change, now: monotonic.nanoseconds())
        let after = tenant.profile.domains
        guard before != after else { return }
        tenants.withLock { tenants in
            for host in before where tenants.byHost[host] === tenant { tenants.byHost[host] = nil }
            for host in after { tenants.byHost[host] = tenant }
            hostCount.store(tenants.byHost.count, ordering: .releasing)
        }
    }

    package func remove(_ tenant: TenantRecord) {
        let profile = tenant.profile
        let hashes: [Digest] = tenants.withLock { tenants in
            tenants.byID[tenant.id] = nil
            // It may have been made anew meanwhile.
            if tenants.bySlug[profile.slug] === tenant { tenants.bySlug[profile.slug] = nil }
            tenants.membershipChanged()
            for host in profile.domains where tenants.byHost[host] === tenant { tenants.byHost[host] = nil }
            hostCount.store(tenants.byHost.count, ordering: .releasing)
            tenants.keys[tenant.id] = nil
            tenants.resellers[tenant.id] = nil
            let hashes = (tenants.hashes[tenant.id] ?? [:]).values.flatMap { $0 }
            tenants.hashes[tenant.id] = nil
            return hashes
        }
        for hash in hashes { shard(of: hash).secrets.withLock { _ = $0.removeValue(forKey: hash) } }
    }

    /// Takes over what a tenant's commit changed. Called before the change is answered, in commit order for each
    /// tenant.
    package func apply(_ change: ProjectionChange, to tenant: TenantRecord) {
        let now = monotonic.nanoseconds()
        switch change {
        case .reseller(let projection):
            tenants.withLock { tenants in
                if let known = tenants.resellers[tenant.id]?[projection.resellerID] {
                    known.update(projection, now: now)
                } else {
                    tenants.resellers[tenant.id, default: [:]][projection.resellerID] =
                        ResellerRecord(projection, now: now)
                }
            }
        case .owner(let email): tenant.update({ $0.ownerEmail = email }, now: now)
        case .key(let projection):
            let wanted = projection.isRevoked ? [] : projection.secrets
            let (record, old): (KeyRecord, [Digest]) = tenants.withLock { tenants in
                let record: KeyRecord
                if let known = tenants.keys[tenant.id]?[projection.keyID] {
                    known.update(projection, now: now)
                    record = known
                } else {
                    record = KeyRecord(
                        projection, tenant: tenant, reseller: tenants.resellers[tenant.id]?[projection.resellerID],
                        now: now)
                    tenants.keys[tenant.id, default: [:]][projection.keyID] = record
                }
                let old = tenants.hashes[tenant.id]?[projection.keyID] ?? []
                tenants.hashes[tenant.id, default: [:]][projection.keyID] = wanted.map(\.hash)
                return (record, old)
            }
            for hash in old where !wanted.contains(where: { $0.hash == hash }) {
                shard(of: hash).secrets.withLock { _ = $0.removeValue(forKey: hash) }
            }
            for secret in wanted {
                let end = [secret.expiresAt, projection.expiresAt].compactMap { $0 }.min()
                shard(of: secret.hash).secrets.withLock { $0[secret.hash] = Entry(key: record, expiresAt: end) }
            }
        }
    }

    /// Forgets sessions whose end has come: each sign-in leaves one. Keys stay, so that their end is told apart from
    /// theirs.
    package func dropExpiredSessions(at now: Timestamp) {
        for tenant in allTenants {
            let ended = keys(of: tenant.id).filter { key in
                let projection = key.projection
                return projection.role.isSession
                    && (projection.isRevoked || projection.expiresAt.map { now >= $0 } ?? false)
            }
            guard !ended.isEmpty else { continue }
            let hashes: [Digest] = tenants.withLock { tenants in
                ended.flatMap { key in
                    tenants.keys[tenant.id]?[key.id] = nil
                    return tenants.hashes[tenant.id]?.removeValue(forKey: key.id) ?? []
                }
            }
            for hash in hashes { shard(of: hash).secrets.withLock { _ = $0.removeValue(forKey: hash) } }
        }
    }

    /// After a restore: everything known of the tenant's keys, resellers and owner is replaced by what its file
    /// says.
    package func replace(_ tenant: TenantRecord, with changes: [ProjectionChange]) {
        let stale: [Digest] = tenants.withLock { tenants in
            var (kept, resellers): (Set<Int64>, Set<Int64>) = ([], [])
            for case .key(let projection) in changes { kept.insert(projection.keyID) }
            for case .reseller(let projection) in changes { resellers.insert(projection.resellerID) }
            tenants.resellers[tenant.id] = tenants.resellers[tenant.id]?.filter { resellers.contains($0.key) }
            var stale: [Digest] = []
            for (keyID, hashes) in tenants.hashes[tenant.id] ?? [:] where !kept.contains(keyID) {
                stale += hashes
                tenants.keys[tenant.id]?[keyID] = nil
                tenants.hashes[tenant.id]?[keyID] = nil
            }
            return stale
        }
        for hash in stale { shard(of: hash).secrets.withLock { _ = $0.removeValue(forKey: hash) } }
        // Resellers first: a key's record holds its reseller's.
        for case .reseller(let projection) in changes { apply(.reseller(projection), to: tenant) }
        for case .key(let projection) in changes { apply(.key(projection), to: tenant) }
        for case .owner(let email) in changes { apply(.owner(email: email), to: tenant) }
    }

    private func shard(of hash: Digest) -> Shard {
        shards[hash.withUnsafeBytes { Int($0[0]) } & (Self.shardCount - 1)]
    }
}
