import RateLimiter
import TestSeeds
import Testing

@Suite struct Changes {
    @Test(
        "G2 a change keeps the share that is used: neither refilled nor emptied",
        arguments: [
            (100, 0, 10, 10), (100, 50, 10, 5), (100, 100, 10, 0), (10, 5, 1000, 500), (10, 10, 1_000_000, 0),
            (3, 1, 100, 66), (100, 99, 10, 0),
            (1, 1, 5, 0), (1, 0, 5, 5), (7, 7, 1, 0),
        ])
    func rescaled(oldBurst: Int, used: Int, newBurst: Int, left: Int) throws {
        let bucket = Bucket(try policy(1, 60, oldBurst), now: 0)
        if used > 0 { #expect(bucket.take(cost: used, now: 0).admitted) }
        let new = try policy(500, 7, newBurst)
        bucket.change(to: new, now: 0)
        #expect(bucket.policy == new)
        #expect(bucket.peek(cost: 0, now: 0).remaining == left)
        for _ in 0..<left { #expect(bucket.take(now: 0).admitted) }
        #expect(!bucket.take(now: 0).admitted)
    }

    @Test("G2 changing to and fro never makes a token")
    func toAndFro() throws {
        var random = Seeded(state: 31)
        let bucket = Bucket(try policy(10, 10, 100), now: 0)
        #expect(bucket.take(cost: 60, now: 0).admitted)
        for _ in 0..<1000 {
            let burst = Int.random(in: 1...100_000, using: &random)
            bucket.change(to: try policy(Int.random(in: 1000...100_000, using: &random), 10, burst), now: 0)
            // 60 % stay used, so at most 40 % are left.
            #expect(bucket.peek(cost: 0, now: 0).remaining * 10 <= burst * 4)
        }
        bucket.change(to: try policy(10, 10, 100), now: 0)
        let left = bucket.peek(cost: 0, now: 0).remaining
        #expect((39...40).contains(left))
    }

    @Test("G2 a change that read the clock before another's take makes nobody wait longer than an empty bucket does")
    func behind() throws {
        let bucket = Bucket(try policy(1_000_000, 1, 1), now: 0)
        #expect(bucket.take(now: 5 * second).admitted)
        let new = try policy(1, 1_000_000, 100)
        #expect(bucket.standing(under: new, now: 1).resetNanoseconds == new.toleranceNanoseconds)
        bucket.change(to: new, now: 1)
        #expect(bucket.policy == new)
        #expect(bucket.debtNanoseconds(now: 1) == new.toleranceNanoseconds)
        #expect(bucket.take(now: 1 + new.toleranceNanoseconds).admitted)
    }

    @Test("the same policy again changes nothing")
    func same() throws {
        let bucket = Bucket(try policy(10, 10, 10), now: 0)
        _ = bucket.take(cost: 3, now: 0)
        bucket.change(to: try policy(10, 10, 10), now: 0)
        #expect(bucket.peek(cost: 0, now: 0).remaining == 7)
    }

    @Test("G3 after a change returned, no thread judges by the old policy")
    func atOnce() throws {
        let bucket = Bucket(try policy(1000, 1, 1000), now: 0)
        let wrong = Counter()
        let done = Counter()
        let version = Counter()
        onThreads(8) { thread in
            if thread == 0 {
                for step in 1...2000 {
                    if let next = Policy(requests: 1000, windowSeconds: 1, burst: 1000 + step) {
                        bucket.change(to: next, now: 0)
                    }
                    version.add(1)
                }
                done.add(1)
            } else {
                while done.value == 0 {
                    let known = version.value
                    if bucket.take(now: 0).policy.burst < 1000 + known { wrong.add(1) }
                }
            }
        }
        #expect(wrong.value == 0)
        #expect(bucket.policy.burst == 3000)
    }

    @Test("G2 changes under load never admit more than the share that was left", arguments: 0..<4)
    func underLoad(round: Int) throws {
        // Each admission uses at least 1/4000 of whatever burst is in force, so no more than 4000 fit at one instant.
        let bursts = [1000, 4000, 250, 2000, 10, 3000]
        let bucket = Bucket(try policy(1, 60, bursts[round]), now: 9)
        let admitted = Counter()
        let share = Counter()
        onThreads(16) { thread in
            for step in 0..<1500 {
                if thread < 3, step.isMultiple(of: 5) {
                    let burst = bursts[(thread + step / 5 + round) % bursts.count]
                    if let next = Policy(requests: 1 + step % 3, windowSeconds: 60, burst: burst) {
                        bucket.change(to: next, now: 9)
                    }
                } else {
                    let decision = bucket.take(now: 9)
                    guard decision.admitted else { continue }
                    admitted.add(1)
                    // 12000 is a common multiple of most bursts; rounding down keeps the sum a lower bound.
                    share.add(12_000_000 / decision.policy.burst)
                }
            }
        }
        #expect(admitted.value <= 4000)
        #expect(share.value <= 12_000_000)
    }

    @Test(
        "G2 what was taken under the old policy is given back as the same share of the new one",
        arguments: [
            (100, 10, 10), (100, 10, 1000), (10, 10, 3), (3, 1, 1_000_000), (1000, 1, 1),
        ])
    func giveBackAcross(oldBurst: Int, cost: Int, newBurst: Int) throws {
        let old = try policy(1, 60, oldBurst)
        let bucket = Bucket(old, now: 0)
        let taken = bucket.take(cost: cost, now: 0)
        let new = try policy(100, 6, newBurst)
        bucket.change(to: new, now: 0)
        bucket.giveBack(cost: cost, takenUnder: taken.policy)
        // Rounding leaves a nanosecond at most, on the strict side.
        #expect(bucket.debtNanoseconds(now: 0) <= 1)
    }
}

@Suite struct Restarts {
    @Test(
        "G2 a level comes back less the time that has passed, at most the burst",
        arguments: [
            (0, 0, 10), (5, 0, 5), (5, 3, 8), (5, 5, 10), (5, 50, 10), (10, 0, 0), (1000, 0, 0), (1000, 995, 5),
        ])
    func restored(debtSeconds: UInt64, elapsedSeconds: UInt64, left: Int) throws {
        let bucket = Bucket(try policy(10, 10, 10), now: 100 * second)
        bucket.restore(debtNanoseconds: debtSeconds * second, elapsed: elapsedSeconds * second, now: 100 * second)
        #expect(bucket.peek(cost: 0, now: 100 * second).remaining == left)
    }

    @Test("N5 a level that comes back with its tenant, to a bucket that knows of it, counts once")
    func repeated() throws {
        let bucket = Bucket(try policy(10, 10, 10), now: 0)
        _ = bucket.take(cost: 2, now: 0)
        bucket.restore(debtNanoseconds: 5 * second, elapsed: second, isRepeat: true, now: 0)
        #expect(bucket.debtNanoseconds(now: 0) == 4 * second)
        bucket.restore(debtNanoseconds: 3 * second, elapsed: 0, isRepeat: true, now: 0)
        #expect(bucket.debtNanoseconds(now: 0) == 4 * second)
    }

    @Test("G2 what was used before the level came back counts as well")
    func added() throws {
        let bucket = Bucket(try policy(10, 10, 10), now: 0)
        _ = bucket.take(cost: 2, now: 0)
        bucket.restore(debtNanoseconds: 3 * second, elapsed: 0, now: 0)
        #expect(bucket.peek(cost: 0, now: 0).remaining == 5)
        #expect(bucket.debtNanoseconds(now: second) == 4 * second)
        bucket.restore(debtNanoseconds: .max, elapsed: 0, now: 0)
        #expect(bucket.debtNanoseconds(now: 0) == 10 * second)
    }
}
