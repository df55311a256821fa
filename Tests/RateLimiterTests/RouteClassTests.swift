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
                let levels = RequestLimits(routeClass: buckets.bucket(of: .topUp, now: 0))
                if levels.admit(now: 0).admitted { admitted.add(1) }
            }
        }
        #expect(admitted.value == 10 && buckets.all.count == 1)
    }

    @Test("A6 ten payments in fifteen minutes, one more each 90 seconds")
    func pace() {
        let bucket = RouteClassBuckets().bucket(of: .topUp, now: 0)
        for left in (0..<10).reversed() { #expect(bucket.take(now: 0).remaining == left) }
        let refused = bucket.take(now: 0)
        #expect(!refused.admitted && refused.retryAfterSeconds == 90)
        #expect(bucket.take(now: 90 * second).admitted && !bucket.take(now: 90 * second).admitted)
    }

    @Test("numbers of classes stand in level files: each has its own")
    func numbers() {
        #expect(Set(RouteClass.allCases.map(\.rawValue)).count == RouteClass.allCases.count)
        #expect(RouteClass.topUp.rawValue == 1)
    }
}
