/// What a bucket said to one request, and how it stands after it: what the rate-limit headers are written from.
package struct Decision: Sendable, Hashable {
    package let admitted: Bool
    /// Whole tokens left.
    package let remaining: Int
    /// The policy that judged.
    package let policy: Policy
    /// Until the bucket is full again.
    package let resetNanoseconds: UInt64
    /// Until the same request would be admitted, were nobody else to ask: 0 where it was, `never` where it costs more
    /// than the burst. After `waiting(alsoFor:)`, by both.
    package let retryAfterNanoseconds: UInt64

    package static let never = UInt64.max

    package init(
        admitted: Bool, remaining: Int, policy: Policy, resetNanoseconds: UInt64, retryAfterNanoseconds: UInt64
    ) {
        self.admitted = admitted
        self.remaining = remaining
        self.policy = policy
        self.resetNanoseconds = resetNanoseconds
        self.retryAfterNanoseconds = retryAfterNanoseconds
    }

    /// For `RateLimit` and `X-RateLimit-Reset`, whole seconds, rounded up: until the bucket is full again; after a
    /// refusal until it would be admitted, which is what `Retry-After` says.
    package var resetSeconds: Int { admitted ? Self.seconds(resetNanoseconds) : retryAfterSeconds }

    /// For `Retry-After`: whole seconds, rounded up, at least 1 on a refusal; bounded where it would be never.
    package var retryAfterSeconds: Int {
        admitted ? 0 : Swift.max(1, Swift.min(Self.seconds(retryAfterNanoseconds), Policy.fullAgainSecondsMax))
    }

    /// The same refusal, with the longer of both waits: the request has to pass the other too.
    package func waiting(alsoFor other: Decision) -> Decision {
        Decision(
            admitted: admitted, remaining: remaining, policy: policy, resetNanoseconds: resetNanoseconds,
            retryAfterNanoseconds: Swift.max(retryAfterNanoseconds, other.retryAfterNanoseconds))
    }

    private static func seconds(_ nanoseconds: UInt64) -> Int {
        let (whole, part) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return Int(whole) + (part > 0 ? 1 : 0)
    }
}

/// The generic cell rate algorithm as pure arithmetic: a token bucket whose level is one number, the theoretical
/// arrival time, when the bucket would be full again. What lies between now and then is its debt.
enum CellRate {
    /// The decision, and the new arrival time where it admits. `debt` and `tolerance` fit 60 bits, so sums cannot
    /// overflow.
    static func judge(_ policy: Policy, arrival: UInt64, cost: Int, now: UInt64) -> (Decision, arrival: UInt64?) {
        let emission = policy.emissionNanoseconds
        let tolerance = emission &* UInt64(truncatingIfNeeded: policy.burst)
        let debt = arrival > now ? arrival &- now : 0
        guard cost <= policy.burst else {
            return (refusal(policy, emission, tolerance, debt, wait: Decision.never), nil)
        }
        let after = debt &+ emission &* UInt64(truncatingIfNeeded: cost)
        guard after <= tolerance else {
            return (refusal(policy, emission, tolerance, debt, wait: after &- tolerance), nil)
        }
        let remaining = Int(truncatingIfNeeded: (tolerance &- after) / emission)
        let decision = Decision(
            admitted: true, remaining: remaining, policy: policy, resetNanoseconds: after, retryAfterNanoseconds: 0)
        return (decision, now &+ after)
    }

    private static func refusal(
        _ policy: Policy, _ emission: UInt64, _ tolerance: UInt64, _ debt: UInt64, wait: UInt64
    ) -> Decision {
        // Another thread's clock reading may be later than ours, and its debt then past the tolerance by that much.
        let left = tolerance > debt ? (tolerance &- debt) / emission : 0
        return Decision(
            admitted: false, remaining: Int(truncatingIfNeeded: left), policy: policy, resetNanoseconds: debt,
            retryAfterNanoseconds: wait)
    }

    /// `part` × `numerator` / `denominator`, rounded up, through 128 bits.
    static func rescale(_ part: UInt64, _ numerator: UInt64, _ denominator: UInt64) -> UInt64 {
        let product = UInt128(part) * UInt128(numerator)
        let (quotient, remainder) = product.quotientAndRemainder(dividingBy: UInt128(denominator))
        return UInt64(clamping: quotient + (remainder > 0 ? 1 : 0))
    }
}
