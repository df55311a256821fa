import Glibc
import RateLimiter
import Synchronization

/// What a decision of the limiter costs by itself; one JSON line on standard output. `./bench` runs it.
@main
enum LimiterBench {
    private static let bucketsDefault = 100_000
    private static let decisions = 4_000_000
    private static let threads = 8
    /// Between two decisions: slow enough that a bucket which everybody shares never refuses.
    private static let tickNanoseconds: UInt64 = 2_000
    /// Past what any thread asks for alone, so that all of them meet at the end.
    private static let capacity = 1_000_000

    static func main() {
        let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? bucketsDefault
        let extents = Int(classExtents(Bucket.self).positive)
        var text = "{\"decision_ns\":\(decision(count))"
        text += ",\"decision_with_clock_ns\":\(decisionWithClock(count)),\"four_levels_ns\":\(fourLevels(count))"
        text += ",\"state_bytes\":\(extents - objectHeaderBytes),\"object_bytes\":\(extents)"
        text += ",\"threads\":\(threads),\"capacity\":\(capacity),\"admitted\":\(admittedByThreads())}"
        print(text)
    }

    // MARK: One thread

    /// Refusals are a few compares shorter: these buckets admit everything, as nearly all do.
    private static func buckets(_ count: Int, now: UInt64) -> [Bucket] {
        guard let policy = Policy(requests: capacity, windowSeconds: 1, burst: capacity) else { fatalError("policy") }
        return (0..<count).map { _ in Bucket(policy, now: now) }
    }

    private static func decision(_ count: Int) -> Double {
        var now = monotonicNanoseconds()
        let all = buckets(count, now: now)
        return nanosecondsEach { index in
            now &+= tickNanoseconds
            return all[place(index, count)].take(now: now).admitted
        }
    }

    private static func decisionWithClock(_ count: Int) -> Double {
        let all = buckets(count, now: monotonicNanoseconds())
        return nanosecondsEach { index in all[place(index, count)].take(now: monotonicNanoseconds()).admitted }
    }

    /// Key, reseller, tenant and process, as a request passes them.
    private static func fourLevels(_ count: Int) -> Double {
        var now = monotonicNanoseconds()
        let keys = buckets(count, now: now)
        let resellers = buckets(count, now: now)
        let tenants = buckets(max(count / 100, 1), now: now)
        let process = buckets(1, now: now)[0]
        return nanosecondsEach { index in
            now &+= tickNanoseconds
            let place = place(index, count)
            let levels = RequestLimits(
                key: keys[place], reseller: resellers[place], tenant: tenants[place % tenants.count], process: process)
            return levels.admit(now: now).admitted
        }
    }

    /// Scattered, so that buckets come from memory rather than from the nearest cache.
    @inline(__always)
    private static func place(_ index: Int, _ count: Int) -> Int {
        let scattered = (UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15) >> 32
        return Int(truncatingIfNeeded: scattered &* UInt64(truncatingIfNeeded: count) >> 32)
    }

    private static func nanosecondsEach(_ ask: (Int) -> Bool) -> Double {
        var admitted = 0
        for index in 0..<decisions / 10 where ask(index) { admitted += 1 }
        let begin = threadNanoseconds()
        for index in 0..<decisions where ask(index) { admitted += 1 }
        let spent = threadNanoseconds() - begin
        // Looked at, so that nothing of the loop can be left out.
        precondition(admitted > 0)
        return (Double(spent) / Double(decisions) * 10).rounded() / 10
    }

    // MARK: All threads

    /// Time stands still: exactly the capacity may pass.
    private static func admittedByThreads() -> Int {
        guard let policy = Policy(requests: capacity, windowSeconds: 60, burst: capacity) else { fatalError("policy") }
        let now = monotonicNanoseconds()
        let race = Race(Bucket(policy, now: now), now: now, asks: capacity / 4)
        var handles: [pthread_t] = []
        for _ in 0..<threads {
            var handle = pthread_t()
            let status = pthread_create(
                &handle, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Race>.fromOpaque(argument).takeUnretainedValue().run()
                    return nil
                }, Unmanaged.passUnretained(race).toOpaque())
            precondition(status == 0, "no thread")
            handles.append(handle)
        }
        for handle in handles { pthread_join(handle, nil) }
        return race.admitted.load(ordering: .acquiring)
    }

    private final class Race: Sendable {
        let admitted = Atomic<Int>(0)
        private let bucket: Bucket
        private let now: UInt64
        private let asks: Int

        init(_ bucket: Bucket, now: UInt64, asks: Int) {
            self.bucket = bucket
            self.now = now
            self.asks = asks
        }

        func run() {
            var mine = 0
            for _ in 0..<asks where bucket.take(now: now).admitted { mine += 1 }
            admitted.add(mine, ordering: .acquiringAndReleasing)
        }
    }

    // MARK: The machine

    private static let objectHeaderBytes = 16

    private static func monotonicNanoseconds() -> UInt64 { nanoseconds(CLOCK_MONOTONIC) }

    /// What this thread itself has used: others on the machine do not count.
    private static func threadNanoseconds() -> UInt64 { nanoseconds(CLOCK_THREAD_CPUTIME_ID) }

    private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// The runtime's own measure of an instance, header included.
@_silgen_name("_swift_getSwiftClassInstanceExtents")
private func classExtents(_ type: AnyClass) -> (negative: UInt, positive: UInt)
