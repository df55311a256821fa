import Glibc
import Synchronization

/// A token bucket that any number of threads ask at once: one compare-and-swap a decision (G2, 0005).
///
/// The policy word packs requests, window and burst (20 bits each) and a generation (4); the level word packs the
/// generation and the theoretical arrival time (60 bits of nanoseconds on the caller's monotonic clock).
/// Invariant: a level is judged only by the policy of its own generation. A change closes the level word with a
/// sentinel, which one changer wins, writes the new policy and opens the level again under the next generation; whoever
/// read the old words fails to swap and reads again. While it is closed, for a few stores, the others spin. Any thread.
package final class Bucket: Sendable {
    private let policyWord: Atomic<UInt64>
    private let levelWord: Atomic<UInt64>

    private static let closed = UInt64.max
    private static let generationMask: UInt64 = 0xF
    private static let fieldMask: UInt64 = 0xF_FFFF
    /// After this many looks at a closed level the thread lets the changer run.
    private static let spinsMax = 64

    /// A full bucket. `now` here and below: nanoseconds on one monotonic clock, below 2⁵⁹.
    package init(_ policy: Policy, now: UInt64) {
        policyWord = Atomic(Self.pack(policy, generation: 0))
        levelWord = Atomic(now << 4)
    }

    package var policy: Policy { Self.unpack(policyWord.load(ordering: .acquiring)) }

    // MARK: Asking

    /// Takes `cost` tokens (0 or more) if they are there. A cost past the burst is refused for ever.
    package func take(cost: Int = 1, now: UInt64) -> Decision {
        while true {
            let (policy, level) = read()
            let (decision, arrival) = CellRate.judge(policy, arrival: level >> 4, cost: cost, now: now)
            guard let arrival, swap(level, arrival) == false else { return decision }
        }
    }

    /// What `take` would say, taking nothing.
    package func peek(cost: Int = 1, now: UInt64) -> Decision {
        let (policy, level) = read()
        return CellRate.judge(policy, arrival: level >> 4, cost: cost, now: now).0
    }

    /// Puts back what a `take` of this cost took. `policy`: the one of that decision; where it has changed since, the
    /// same share of the burst is put back, as the change kept the share that was used.
    package func giveBack(cost: Int = 1, takenUnder policy: Policy? = nil) {
        while true {
            let (current, level) = read()
            let emission = current.emissionNanoseconds
            let whole = UInt64(truncatingIfNeeded: cost) * emission
            let back = policy.map { $0 == current ? whole : Self.share(of: cost, under: $0, in: current) } ?? whole
            let arrival = level >> 4
            if swap(level, arrival > back ? arrival - back : 0) { return }
        }
    }

    /// How it would stand were this its policy: as `change` leaves it. Takes nothing.
    package func standing(under new: Policy, now: UInt64) -> Decision {
        let (old, level) = read()
        let debt = Self.debt(of: level, under: old, now: now)
        let kept =
            old == new ? debt : CellRate.rescale(debt, new.toleranceNanoseconds, old.toleranceNanoseconds)
        return CellRate.judge(new, arrival: now + kept, cost: 0, now: now).0
    }

    // MARK: Changing

    /// Makes it full.
    package func fill(now: UInt64) {
        while true {
            let level = read().level
            if level >> 4 <= now || swap(level, now) { return }
        }
    }

    /// Puts another policy in force from the return on. The share of the burst that is used stays the same: the bucket
    /// is neither refilled nor emptied.
    package func change(to new: Policy, now: UInt64) {
        while true {
            let (old, level) = read()
            if old == new { return }
            let generation = (level &+ 1) & Self.generationMask
            guard
                levelWord.compareExchange(expected: level, desired: Self.closed, ordering: .acquiringAndReleasing)
                    .exchanged
            else { continue }
            let debt = Self.debt(of: level, under: old, now: now)
            let rescaled = CellRate.rescale(debt, new.toleranceNanoseconds, old.toleranceNanoseconds)
            policyWord.store(Self.pack(new, generation: generation), ordering: .releasing)
            levelWord.store((now + rescaled) << 4 | generation, ordering: .releasing)
            return
        }
    }

    // MARK: Keeping levels over a restart

    /// Nanoseconds until it is full: 0 for a full bucket.
    package func debtNanoseconds(now: UInt64) -> UInt64 {
        let arrival = read().level >> 4
        return arrival > now ? arrival - now : 0
    }

    /// Adds the debt of an earlier run, less the nanoseconds that have passed since it was noted; at most the burst.
    /// Call it once for a bucket; or with `isRepeat`, where the bucket may know of that debt: then the larger of the
    /// two holds.
    package func restore(debtNanoseconds: UInt64, elapsed: UInt64, isRepeat: Bool = false, now: UInt64) {
        guard debtNanoseconds > elapsed else { return }
        while true {
            let (policy, level) = read()
            let arrival = level >> 4
            let debt = arrival > now ? arrival - now : 0
            let tolerance = policy.toleranceNanoseconds
            let restored = min(debtNanoseconds - elapsed, tolerance)
            let sum = isRepeat ? max(debt, restored) : debt + restored
            if swap(level, now + min(sum, tolerance)) { return }
        }
    }

    // MARK: Words

    /// A level and the policy it belongs to.
    private func read() -> (Policy, level: UInt64) {
        var spins = 0
        while true {
            let before = policyWord.load(ordering: .acquiring)
            let level = levelWord.load(ordering: .acquiring)
            // Read again: equal words mean that no change came between, even if the generation went once around.
            let after = policyWord.load(ordering: .acquiring)
            if before == after, level != Self.closed, (before ^ level) & Self.generationMask == 0 {
                return (Self.unpack(before), level)
            }
            spins += 1
            if spins.isMultiple(of: Self.spinsMax) { sched_yield() }
        }
    }

    /// Moves the arrival time within the level's generation; false where another thread was first.
    private func swap(_ level: UInt64, _ arrival: UInt64) -> Bool {
        let desired = arrival << 4 | level & Self.generationMask
        return levelWord.compareExchange(expected: level, desired: desired, ordering: .acquiringAndReleasing).exchanged
    }

    /// What is used of the burst, at most all of it. The level may have been moved by a later reading of the clock than
    /// `now`: what lies between the two is nobody's use, and a change would multiply it.
    private static func debt(of level: UInt64, under policy: Policy, now: UInt64) -> UInt64 {
        let arrival = level >> 4
        return arrival > now ? min(arrival - now, policy.toleranceNanoseconds) : 0
    }

    private static func share(of cost: Int, under old: Policy, in new: Policy) -> UInt64 {
        // Rounded down, as the change rounded up: never more than was taken.
        UInt64(UInt128(cost) * UInt128(new.toleranceNanoseconds) / UInt128(old.burst))
    }

    private static func pack(_ policy: Policy, generation: UInt64) -> UInt64 {
        UInt64(policy.requests) << 44 | UInt64(policy.windowSeconds) << 24 | UInt64(policy.burst) << 4 | generation
    }

    private static func unpack(_ word: UInt64) -> Policy {
        Policy(
            unchecked: Int(truncatingIfNeeded: word >> 44), Int(truncatingIfNeeded: word >> 24 & fieldMask),
            Int(truncatingIfNeeded: word >> 4 & fieldMask))
    }
}
