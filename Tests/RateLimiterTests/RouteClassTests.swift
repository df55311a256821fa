import RateLimiter
import Testing

@Suite("Route classes")
struct RouteClassTests {
    @Test("A6 G2 however many threads ask first, a reseller has one bucket of a class and it admits exactly its burst")
    func exact() throws {
        let buckets = RouteClassBuckets()
        let admitted = Counter()
        onThreads(64) { _ in
            for _ in 0..<20 {
                let levels = RequestLimits(routeClass: buckets.bucket(of: .payments, now: 0))
                if levels.admit(now: 0).admitted { admitted.add(1) }
            }
        }
        #expect(admitted.value == 10 && buckets.all.count == 1)
    }

    @Test("A6 ten payments in fifteen minutes, one more each 90 seconds")
    func pace() {
        let bucket = RouteClassBuckets().bucket(of: .payments, now: 0)
        for left in (0..<10).reversed() { #expect(bucket.take(now: 0).remaining == left) }
        let refused = bucket.take(now: 0)
        #expect(!refused.admitted && refused.retryAfterSeconds == 90)
        #expect(bucket.take(now: 90 * second).admitted && !bucket.take(now: 90 * second).admitted)
    }

    @Test("two classes have a bucket each, one class one")
    func apart() {
        let buckets = RouteClassBuckets()
        let other = RouteClass(number: 2, name: "other", policy: RouteClass.payments.policy)
        #expect(buckets.bucket(of: .payments, now: 0) === buckets.bucket(of: .payments, now: 0))
        #expect(buckets.bucket(of: .payments, now: 0) !== buckets.bucket(of: other, now: 0))
    }
}

extension RouteClass {
    fileprivate static let payments = RouteClass(
        number: 1, name: "payments", policy: Policy(requests: 10, windowSeconds: 900, burst: 10)!)
}
