import Synchronization

/// Routes that have a limit of their own for each reseller, beside its key's and its own.
///
/// The numbers stand in level files: a number that was used once never means another class.
package enum RouteClass: UInt8, Sendable, CaseIterable {
    /// Payments begun: 10 in 15 minutes (A6).
    case topUp = 1

    /// As it stands in `RateLimit-Policy`.
    package var name: StaticString {
        switch self {
        case .topUp: "topup"
        }
    }

    package var policy: Policy {
        switch self {
        case .topUp: Policy(requests: 10, windowSeconds: 900, burst: 10)!
        }
    }
}

/// One reseller's buckets of route classes, each made when it is first asked for: at most one for each class there is,
/// and nothing for a reseller that calls no such route. Any thread; locked for one look.
package final class RouteClassBuckets: Sendable {
    private let buckets = Mutex<[RouteClass: Bucket]>([:])

    package init() {}

    /// The one bucket of this class; a new one is full at `now` (nanoseconds of the monotonic clock).
    package func bucket(of routeClass: RouteClass, now: UInt64) -> Bucket {
        buckets.withLock { buckets in
            if let known = buckets[routeClass] { return known }
            let new = Bucket(routeClass.policy, now: now)
            buckets[routeClass] = new
            return new
        }
    }

    /// Those that have been asked for.
    package var all: [(routeClass: RouteClass, bucket: Bucket)] {
        buckets.withLock { $0.map { (routeClass: $0.key, bucket: $0.value) } }
    }
}
