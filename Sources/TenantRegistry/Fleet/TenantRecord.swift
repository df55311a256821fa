package import Cryptography
package import RateLimiter
import SQLite
import Synchronization

/// Where a tenant is in its life (P3, P4, P5).
package enum TenantState: Int64, Sendable {
    /// Its file is being made; it answers as unknown.
    case creating = 0
    case active = 1
    case suspended = 2
    /// Access ended with its paid period.
    case cancelled = 3
    case refunded = 4
    /// Tombstoned: being erased.
    case deleting = 5

    package var name: String {
        switch self {
        case .creating: "creating"
        case .active: "active"
        case .suspended: "suspended"
        case .cancelled: "cancelled"
        case .refunded: "refunded"
        case .deleting: "deleting"
        }
    }
}

/// What a tier allows one tenant (P2). The provider may override each for a tenant.
package struct Quotas: Sendable, Equatable {
    package var bytesMax: Int64
    package var resellersMax: Int64
    package var keysMax: Int64
    /// Requests in a calendar month (UTC).
    package var requestsMonthlyMax: Int64

    package init(bytesMax: Int64, resellersMax: Int64, keysMax: Int64, requestsMonthlyMax: Int64) {
        self.bytesMax = bytesMax
        self.resellersMax = resellersMax
        self.keysMax = keysMax
        self.requestsMonthlyMax = requestsMonthlyMax
    }

    /// `max_page_count` for the tenant's file.
    var pagesMax: Int64 { bytesMax / Int64(Connection.pageBytes) }
}

package enum Tier: String, Sendable, CaseIterable {
    case lite, standard, pro

    package var quotas: Quotas {
        switch self {
        case .lite: Quotas(bytesMax: 1 << 30, resellersMax: 50, keysMax: 200, requestsMonthlyMax: 10_000_000)
        case .standard: Quotas(bytesMax: 10 << 30, resellersMax: 1_000, keysMax: 5_000, requestsMonthlyMax: 200_000_000)
        case .pro:
            Quotas(bytesMax: 100 << 30, resellersMax: 100_000, keysMax: 500_000, requestsMonthlyMax: 10_000_000_000)
        }
    }
}

/// The registry's row of one tenant.
package struct TenantProfile: Sendable {
    package var id: TenantID
    package var slug: String
    package var blueprint: String
    package var state: TenantState
    package var tier: Tier
    package var quotaOverrides: QuotaOverrides
    package var currency: String
    package var keyPrefix: String
    package var ownerEmail: String
    package var createdAt: Timestamp
    package var refundableUntil: Timestamp
    /// The end of the paid period that runs; set when the provider cancels.
    package var endsAt: Timestamp?
    package var endedAt: Timestamp?
    package var limit: Policy?
    package var domains: [String]
    package var projectionEpoch: Int64
    package var incarnation: Int64 = 1
    package var requestsMonth: Int64
    package var requestsCount: Int64
    package var lastRequestAt: Timestamp?

    package var quotas: Quotas { quotaOverrides.applied(to: tier.quotas) }

    /// Whether requests of resellers and operators are served then, by state and by the end of a cancelled period.
    package func access(at now: Timestamp) -> TenantAccess {
        switch state {
        case .active:
            if let endsAt, now >= endsAt { return .refused(.cancelled) }
            return .open
        case .suspended: return .refused(.suspended)
        case .cancelled: return .refused(.cancelled)
        case .refunded: return .refused(.refunded)
        case .creating, .deleting: return .unknown
        }
    }

    /// What the provider changes, as the registry's row has it now.
    mutating func takeChangeable(from row: TenantProfile) {
        state = row.state
        tier = row.tier
        quotaOverrides = row.quotaOverrides
        limit = row.limit
        endsAt = row.endsAt
        endedAt = row.endedAt
    }
}

package struct QuotaOverrides: Sendable, Equatable {
    package var bytesMax: Int64?
    package var resellersMax: Int64?
    package var keysMax: Int64?
    package var requestsMonthlyMax: Int64?

    package init(
        bytesMax: Int64? = nil, resellersMax: Int64? = nil, keysMax: Int64? = nil, requestsMonthlyMax: Int64? = nil
    ) {
        self.bytesMax = bytesMax
        self.resellersMax = resellersMax
        self.keysMax = keysMax
        self.requestsMonthlyMax = requestsMonthlyMax
    }

    func applied(to quotas: Quotas) -> Quotas {
        Quotas(
            bytesMax: bytesMax ?? quotas.bytesMax, resellersMax: resellersMax ?? quotas.resellersMax,
            keysMax: keysMax ?? quotas.keysMax, requestsMonthlyMax: requestsMonthlyMax ?? quotas.requestsMonthlyMax)
    }
}

/// A tenant as the whole process knows it: its profile, its lane, its bucket, its answers kept ready, its read log.
/// Any thread; each part guards itself.
package final class TenantRecord: Sendable {
    package let id: TenantID
    package let slug: String
    package let blueprint: String
    package let secretKey: [UInt8]
    package let signingKey: SigningKey
    package let readLog = ReadLog()
    package let answers = AnswerCache()
    package let counters = TenantCounters()
    private let profileCell: Mutex<TenantProfile>
    private let bucketCell: Mutex<Bucket?>
    private let laneCell = Mutex<Lane<TenantStore>?>(nil)

    init(profile: TenantProfile, secretKey: [UInt8], signingKey: SigningKey, now: UInt64) {
        id = profile.id
        slug = profile.slug
        blueprint = profile.blueprint
        self.secretKey = secretKey
        self.signingKey = signingKey
        bucketCell = Mutex(profile.limit.map { Bucket($0, now: now) })
        counters.start(month: profile.requestsMonth, count: profile.requestsCount, last: profile.lastRequestAt)
        profileCell = Mutex(profile)
    }

    package var profile: TenantProfile { profileCell.withLock { $0 } }
    package var bucket: Bucket? { bucketCell.withLock { $0 } }
    package var lane: Lane<TenantStore> {
        laneCell.withLock { lane in
            guard let lane else { preconditionFailure("the fleet gives every tenant its lane before it is found") }
            return lane
        }
    }

    func attach(_ lane: Lane<TenantStore>) { laneCell.withLock { $0 = lane } }

    /// Takes over a changed profile: the limit's level is kept, rescaled.
    func update(_ change: (inout TenantProfile) -> Void, now: UInt64) {
        let limit = profileCell.withLock { profile in
            change(&profile)
            return profile.limit
        }
        bucketCell.withLock { bucket in bucket = Bucket.changed(bucket, to: limit, now: now) }
    }

    /// Counts a request against the month's quota; false past it.
    package func countRequest(at now: Timestamp) -> Bool {
        counters.admit(at: now, monthlyMax: profileCell.withLock { $0.quotas.requestsMonthlyMax })
    }

    /// Whether requests of resellers and operators are served now.
    package func access(at now: Timestamp) -> TenantAccess { profileCell.withLock { $0.access(at: now) } }
}

/// Why a known tenant is not served.
package enum TenantClosure: Sendable, Equatable {
    case suspended
    case cancelled
    case refunded

    package var state: TenantState {
        switch self {
        case .suspended: .suspended
        case .cancelled: .cancelled
        case .refunded: .refunded
        }
    }
}

package enum TenantAccess: Sendable, Equatable {
    case open
    /// Known but closed: 403 in the dialect's envelope.
    case refused(TenantClosure)
    case unknown
}

/// A reseller as the loops see it. Any thread.
package final class ResellerRecord: Sendable {
    package let id: Int64
    package let bucket: Bucket
    package let routeClasses = RouteClassBuckets()
    private let cell: Mutex<ResellerProjection>

    init(_ projection: ResellerProjection, now: UInt64) {
        id = projection.resellerID
        bucket = Bucket(projection.limit, now: now)
        cell = Mutex(projection)
    }

    package var projection: ResellerProjection { cell.withLock { $0 } }

    func update(_ projection: ResellerProjection, now: UInt64) {
        let old = cell.withLock { cell in
            let old = cell
            cell = projection
            return old
        }
        if old.limit != projection.limit { bucket.change(to: projection.limit, now: now) }
    }
}

/// A key as the loops see it: found by the hash of what the caller sent. Any thread.
package final class KeyRecord: Sendable {
    package let tenant: TenantRecord
    package let id: Int64
    package let reseller: ResellerRecord?
    private let cell: Mutex<Cell>

    private struct Cell {
        var projection: KeyProjection
        var bucket: Bucket?
    }

    init(_ projection: KeyProjection, tenant: TenantRecord, reseller: ResellerRecord?, now: UInt64) {
        self.tenant = tenant
        self.reseller = reseller
        id = projection.keyID
        cell = Mutex(Cell(projection: projection, bucket: Self.limit(of: projection).map { Bucket($0, now: now) }))
    }

    package var projection: KeyProjection { cell.withLock { $0.projection } }

    /// The key's state in one look: its record and its own bucket where it has a limit of its own.
    package var current: (projection: KeyProjection, bucket: Bucket?) {
        cell.withLock { ($0.projection, $0.bucket) }
    }

    func update(_ projection: KeyProjection, now: UInt64) {
        cell.withLock { cell in
            cell.projection = projection
            cell.bucket = Bucket.changed(cell.bucket, to: Self.limit(of: projection), now: now)
        }
    }

    /// What a key of the owner or an operator has without a limit of its own; a reseller's has its reseller's.
    package static let administratorLimit = Policy(requests: 60_000, windowSeconds: 60, burst: 60_000)

    private static func limit(of projection: KeyProjection) -> Policy? {
        projection.limit ?? (projection.role.isAdministrator ? administratorLimit : nil)
    }
}

extension Bucket {
    /// The bucket after a change of its policy: the same one rescaled, a new one, or none.
    static func changed(_ bucket: Bucket?, to policy: Policy?, now: UInt64) -> Bucket? {
        guard let policy else { return nil }
        guard let bucket else { return Bucket(policy, now: now) }
        if bucket.policy != policy { bucket.change(to: policy, now: now) }
        return bucket
    }
}

/// Requests of a tenant in this calendar month, and the last one: for the quota and the provider's list. Any thread.
package final class TenantCounters: Sendable {
    private let month = Atomic<Int64>(0)
    private let count = Atomic<Int64>(0)
    private let last = Atomic<Int64>(0)

    func start(month: Int64, count: Int64, last: Timestamp?) {
        self.month.store(month, ordering: .relaxed)
        self.count.store(count, ordering: .relaxed)
        self.last.store(last?.milliseconds ?? 0, ordering: .relaxed)
    }

    /// Counts one request; false when the month's quota is used up.
    package func admit(at now: Timestamp, monthlyMax: Int64) -> Bool {
        let current = now.monthNumber
        if month.load(ordering: .relaxed) != current {
            month.store(current, ordering: .relaxed)
            count.store(0, ordering: .relaxed)
        }
        last.store(now.milliseconds, ordering: .relaxed)
        return count.add(1, ordering: .relaxed).newValue <= monthlyMax
    }

    package var snapshot: (month: Int64, count: Int64, lastRequestAt: Timestamp?) {
        let last = last.load(ordering: .relaxed)
        return (
            month.load(ordering: .relaxed), count.load(ordering: .relaxed),
            last == 0 ? nil : Timestamp(milliseconds: last)
        )
    }
}

extension Timestamp {
    /// Months since year 0: changes at midnight UTC on the first.
    package var monthNumber: Int64 {
        let date = self.date
        return Int64(date.year) * 12 + Int64(date.month) - 1
    }
}

/// Which answer is kept ready. A value is made once, where its route is declared, and is equal to itself alone.
package final class CacheKind: Sendable, Hashable {
    package init() {}

    package static func == (one: CacheKind, other: CacheKind) -> Bool { one === other }
    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// Answers that every shop asks for all day, kept as bytes and served on the loop. Filled and dropped by the
/// tenant's lane in commit order, so what is here is what the last commit says. Bounded: past `entriesMax` it starts
/// anew.
package final class AnswerCache: Sendable {
    package struct Key: Hashable, Sendable {
        let resellerID: Int64
        let book: Book
        let kind: CacheKind

        package init(resellerID: Int64, book: Book, kind: CacheKind) {
            self.resellerID = resellerID
            self.book = book
            self.kind = kind
        }
    }

    package static let entriesMax = 10_000
    private let entries = Mutex<[Key: [UInt8]]>([:])

    init() {}

    package subscript(key: Key) -> [UInt8]? { entries.withLock { $0[key] } }

    package func fill(_ key: Key, with bytes: [UInt8]) {
        entries.withLock { entries in
            if entries.count >= Self.entriesMax { entries.removeAll() }
            entries[key] = bytes
        }
    }

    package func drop(where isStale: @Sendable (Key) -> Bool) {
        entries.withLock { entries in
            for key in entries.keys where isStale(key) { entries[key] = nil }
        }
    }

    package func dropAll() { entries.withLock { $0.removeAll() } }

    package func drop(resellerID: Int64) { drop { $0.resellerID == resellerID } }
}
