package import RateLimiter
import Synchronization

/// A key as the loops see it: found by the hash of what the caller sent. Any thread.
package final class KeyRecord: Sendable {
    package let tenant: TenantRecord
    package let id: Int64
    package let reseller: ResellerRecord?
    private let cell: Mutex<Cell>
    /// When a page was last asked for with it, in milliseconds; 0 where nobody has since the start.
    private let pageUse = Atomic<Int64>(0)

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

    /// Notes that a page is asked for. False where nobody has for so many seconds: then it is never true again (U4). A
    /// restart begins that time anew, and never the session's own.
    package func usedByPage(at now: Timestamp, idleSecondsMax: Int64) -> Bool {
        let last = pageUse.load(ordering: .relaxed)
        if last != 0, now.milliseconds - last >= idleSecondsMax * 1_000 { return false }
        if now.milliseconds > last { pageUse.store(now.milliseconds, ordering: .relaxed) }
        return true
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
