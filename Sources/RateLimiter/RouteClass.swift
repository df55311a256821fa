import Synchronization

/// Routes that have a limit of their own for each reseller, beside its key's and its own. The feature that has such
/// routes declares the class as a static member.
///
/// The numbers stand in level files: a number that was used once never means another class.
package struct RouteClass: Sendable, Hashable {
    /// From 1 to `numberMax`.
    package let number: UInt8
    /// As it stands in `RateLimit-Policy`.
    package let name: StaticString
    package let policy: Policy

    /// What a level file has room for.
    package static let numberMax: UInt8 = 0xBF

    package init(number: UInt8, name: StaticString, policy: Policy) {
        precondition(1...Self.numberMax ~= number, "a class's number is from 1 to \(Self.numberMax)")
        self.number = number
        self.name = name
        self.policy = policy
    }

    package static func == (one: RouteClass, other: RouteClass) -> Bool { one.number == other.number }
    package func hash(into hasher: inout Hasher) { hasher.combine(number) }
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
