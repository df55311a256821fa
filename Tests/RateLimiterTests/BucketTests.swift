import RateLimiter
import TestSeeds
import Testing

@Suite struct Policies {
    @Test("each part has its bounds, and what would take years to refill is refused")
    func bounds() {
        #expect(Policy(requests: 0, windowSeconds: 1, burst: 1) == nil)
        #expect(Policy(requests: 1, windowSeconds: 0, burst: 1) == nil)
        #expect(Policy(requests: 1, windowSeconds: 1, burst: 0) == nil)
        #expect(Policy(requests: 1_000_001, windowSeconds: 1, burst: 1) == nil)
        #expect(Policy(requests: 1, windowSeconds: 1_000_001, burst: 1) == nil)
        #expect(Policy(requests: 1, windowSeconds: 1, burst: 1_000_001) == nil)
        #expect(Policy(requests: 1, windowSeconds: 1_000_000, burst: 1_000_000) == nil)
        #expect(Policy(requests: 1_000_000, windowSeconds: 1_000_000, burst: 1_000_000) != nil)
        #expect(Policy(requests: 1_000_000, windowSeconds: 1, burst: 1_000_000) != nil)
        #expect(Policy(requests: 1, windowSeconds: 1_000_000, burst: 100) != nil)
        #expect(Policy(requests: 1, windowSeconds: 1_000_000, burst: 101) == nil)
    }

    @Test("a token comes back no faster than promised")
    func emission() throws {
        #expect(try policy(100, 60, 1).emissionNanoseconds == 600_000_000)
        #expect(try policy(7, 1, 1).emissionNanoseconds == 142_857_143)
        #expect(try policy(1_000_000, 1, 1).emissionNanoseconds == 1000)
        #expect(try policy(999_999, 1, 1).emissionNanoseconds == 1001)
    }
}

@Suite struct Buckets {
    static let policies: [(Int, Int, Int)] = [
        (1, 1, 1), (100, 60, 100), (1000, 60, 1000), (7, 3, 5), (1_000_000, 1, 1000), (1, 1_000_000, 100),
        (10, 1, 1_000), (999_999, 1_000_000, 999),
    ]

    @Test("G2 a full bucket admits exactly its burst at one instant, whenever it was made", arguments: policies)
    func burst(parts: (Int, Int, Int)) throws {
        let policy = try policy(parts.0, parts.1, parts.2)
        for start in [0, 1, second, 1 << 58] as [UInt64] {
            let bucket = Bucket(policy, now: start)
            for taken in 1...policy.burst {
                let decision = bucket.take(now: start)
                #expect(decision.admitted && decision.remaining == policy.burst - taken && decision.policy == policy)
                #expect(decision.resetNanoseconds == policy.emissionNanoseconds * UInt64(taken))
                #expect(decision.retryAfterNanoseconds == 0)
            }
            let refused = bucket.take(now: start)
            #expect(!refused.admitted && refused.remaining == 0)
            #expect(refused.retryAfterNanoseconds == policy.emissionNanoseconds)
            #expect(!bucket.take(now: start + policy.emissionNanoseconds - 1).admitted)
            #expect(bucket.take(now: start + policy.emissionNanoseconds).admitted)
        }
    }

    @Test("over a long time no more than burst and refill are admitted, and a steady caller gets that much")
    func rate() throws {
        var random = Seeded(state: 21)
        for parts in Self.policies {
            let policy = try policy(parts.0, parts.1, parts.2)
            let bucket = Bucket(policy, now: 0)
            var now: UInt64 = 0
            var admitted = 0
            var asked = 0
            // The clock's range is 2⁵⁹.
            while asked < 5000, now < 1 << 58 {
                asked += 1
                now += UInt64.random(in: 0...policy.emissionNanoseconds / 2, using: &random)
                if bucket.take(now: now).admitted { admitted += 1 }
            }
            #expect(admitted <= policy.burst + Int(now / policy.emissionNanoseconds))
            // A bucket of one is full while it waits for the next caller.
            if policy.burst > 1 { #expect(admitted >= min(asked, Int(now / policy.emissionNanoseconds))) }
        }
    }

    @Test("retry-after is exact: refused a nanosecond before, admitted then")
    func retryAfter() throws {
        var random = Seeded(state: 22)
        for _ in 0..<2000 {
            let policy = try policy(
                Int.random(in: 1...1000, using: &random), Int.random(in: 1...100, using: &random),
                Int.random(in: 1...50, using: &random))
            let bucket = Bucket(policy, now: 5)
            var now: UInt64 = 5
            while bucket.take(cost: Int.random(in: 1...policy.burst, using: &random), now: now).admitted {
                now += UInt64.random(in: 0...1000, using: &random)
            }
            let cost = Int.random(in: 1...policy.burst, using: &random)
            let wait = bucket.peek(cost: cost, now: now).retryAfterNanoseconds
            if wait > 0 { #expect(!bucket.peek(cost: cost, now: now + wait - 1).admitted) }
            #expect(bucket.take(cost: cost, now: now + wait).admitted)
        }
    }

    @Test("a cost past the burst is refused for ever and takes nothing")
    func tooDear() throws {
        let bucket = Bucket(try policy(10, 1, 5), now: 0)
        for cost in [6, 1_000_001, Int.max] {
            let decision = bucket.take(cost: cost, now: 0)
            #expect(!decision.admitted && decision.remaining == 5)
            #expect(decision.retryAfterNanoseconds == Decision.never)
            #expect(decision.retryAfterSeconds == Policy.fullAgainSecondsMax)
        }
        #expect(bucket.take(cost: 5, now: 0).admitted)
    }

    @Test("peeking takes nothing, giving back restores exactly, a cost of nothing passes")
    func giveBack() throws {
        let policy = try policy(10, 1, 5)
        let bucket = Bucket(policy, now: 0)
        #expect(bucket.peek(cost: 5, now: 0).admitted && bucket.peek(cost: 5, now: 0).admitted)
        #expect(bucket.take(cost: 4, now: 0).remaining == 1)
        #expect(bucket.take(cost: 0, now: 0).remaining == 1)
        bucket.giveBack(cost: 3)
        #expect(bucket.peek(cost: 0, now: 0).remaining == 4)
        bucket.giveBack(cost: 100)
        #expect(bucket.debtNanoseconds(now: 0) == 0)
        #expect(bucket.take(cost: 5, now: 0).admitted && !bucket.take(now: 0).admitted)
    }

    @Test("headers round up to whole seconds")
    func seconds() throws {
        let bucket = Bucket(try policy(2, 3, 2), now: 0)
        #expect(bucket.take(now: 0).resetSeconds == 2)
        #expect(bucket.take(now: 0).resetSeconds == 3)
        let refused = bucket.take(now: 0)
        #expect(refused.retryAfterSeconds == 2)
        #expect(bucket.take(now: 1_499_999_999).retryAfterSeconds == 1)
    }

    @Test("G2 a bucket admits exactly its burst at one instant, however many threads ask", arguments: [1, 100, 20_000])
    func exactUnderConcurrency(burst: Int) throws {
        let bucket = Bucket(try policy(1, 1000, burst), now: 77)
        let admitted = Counter()
        onThreads(64) { _ in
            var mine = 0
            for _ in 0..<1000 where bucket.take(now: 77).admitted { mine += 1 }
            admitted.add(mine)
        }
        #expect(admitted.value == burst)
    }

    @Test("G2 tokens taken and given back by many threads are neither lost nor made")
    func conservation() throws {
        let bucket = Bucket(try policy(1, 1000, 1000), now: 0)
        onThreads(64) { thread in
            for round in 0..<500 {
                let cost = (thread + round) % 5 + 1
                if bucket.take(cost: cost, now: 0).admitted { bucket.giveBack(cost: cost) }
            }
        }
        #expect(bucket.debtNanoseconds(now: 0) == 0)
    }
}
