package import RateLimiter
import Synchronization

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
