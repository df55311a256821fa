import RateLimiter
import TestSeeds
import Testing

@Suite struct Rehearsals {
    /// Bursts, pauses and several calls in one millisecond, as clients call.
    private static func instants(_ random: inout Seeded) -> [UInt32] {
        var instants: [UInt32] = []
        var now = UInt32(random.pick(0...5_000))
        let longest = random.pick([2, 50, 2_000, 60_000])
        for _ in 0..<random.pick(1...400) {
            instants.append(now)
            if !random.happens(oneIn: 3) { now += UInt32(random.pick(0...longest)) }
        }
        return instants
    }

    private static func policy(_ random: inout Seeded) throws -> Policy {
        while true {
            let requests = random.pick([3, 40, 2_000])
            let made = Policy(
                requests: random.pick(1...requests), windowSeconds: random.pick(1...random.pick([2, 60, 3_600])),
                burst: random.pick(1...random.pick([1, 20, 500])))
            if let made { return made }
        }
    }

    @Test("O2 a rehearsal refuses exactly the calls that the real bucket refuses at the same instants: 1,000 policies")
    func equalsTheBucket() throws {
        var random = Seeded(state: 2)
        var refused = 0
        for _ in 0..<1_000 {
            let instants = Self.instants(&random)
            let policy = try Self.policy(&random)
            // The bucket was full before; its clock began some time ago.
            let began = UInt64(random.pick(0...1_000_000))
            let bucket = Bucket(policy, now: began)
            let byBucket = instants.indices.filter { index in
                !bucket.take(now: began + Rehearsal.nanoseconds(instants[index])).admitted
            }
            var byRehearsal: [Int] = []
            let count = Rehearsal(risingMilliseconds: instants).refusals(under: policy) { byRehearsal.append($0) }
            #expect(byRehearsal == byBucket && count == byBucket.count, "\(policy) \(instants)")
            refused += count
        }
        // Neither all nor none: the policies bind.
        #expect(refused > 10_000)
    }

    @Test("O2 the smallest limit refuses under 0.1 % of the calls, and one request fewer does not")
    func smallest() throws {
        var random = Seeded(state: 3)
        var found = 0
        for _ in 0..<200 {
            let rehearsal = Rehearsal(risingMilliseconds: Self.instants(&random))
            let window = random.pick([1, 60, 3_600])
            let burst = random.happens(oneIn: 2) ? nil : random.pick(1...60)
            func isGood(_ requests: Int) -> Bool {
                guard
                    let policy = Policy(requests: requests, windowSeconds: window, burst: burst ?? requests)
                else { return false }
                return rehearsal.refusals(under: policy) * 1_000 < rehearsal.count
            }
            guard let smallest = rehearsal.smallest(windowSeconds: window, burst: burst) else {
                #expect(!isGood(Policy.requestsMax))
                continue
            }
            found += 1
            #expect(smallest.windowSeconds == window && smallest.burst == burst ?? smallest.requests)
            #expect(isGood(smallest.requests))
            #expect(smallest.requests == 1 || !isGood(smallest.requests - 1))
        }
        #expect(found > 100)
        #expect(Rehearsal(risingMilliseconds: []).smallest(windowSeconds: 60, burst: nil) == nil)
    }

    @Test("O2 the level that is shown before a change is the level that the change leaves")
    func standing() throws {
        var random = Seeded(state: 4)
        for _ in 0..<1_000 {
            let (old, new) = (try Self.policy(&random), try Self.policy(&random))
            let bucket = Bucket(old, now: 0)
            for _ in 0..<random.pick(0...600) { _ = bucket.take(now: 1_000) }
            let now = UInt64(random.pick(1_000...60_000_000))
            let foretold = bucket.standing(under: new, now: now)
            bucket.change(to: new, now: now)
            #expect(bucket.peek(cost: 0, now: now) == foretold)
            bucket.fill(now: now)
            #expect(bucket.peek(cost: 0, now: now).remaining == new.burst)
            #expect(bucket.debtNanoseconds(now: now) == 0)
        }
    }
}
