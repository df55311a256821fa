/// How many requests a bucket lets through: `requests` in `windowSeconds` on average, `burst` at once.
///
/// Invariant: each part is 1…1,000,000 and an empty bucket is full again within `fullAgainSecondsMax`, so that every
/// level fits its 60 bits. A value: any thread.
package struct Policy: Sendable, Hashable {
    package let requests: Int
    package let windowSeconds: Int
    package let burst: Int

    package static let requestsMax = 1_000_000
    package static let windowSecondsMax = 1_000_000
    package static let burstMax = 1_000_000
    /// burst × window / requests, a little over three years.
    package static let fullAgainSecondsMax = 100_000_000

    /// nil outside the bounds above.
    package init?(requests: Int, windowSeconds: Int, burst: Int) {
        guard (1...Self.requestsMax).contains(requests), (1...Self.windowSecondsMax).contains(windowSeconds),
            (1...Self.burstMax).contains(burst), burst * windowSeconds <= Self.fullAgainSecondsMax * requests
        else { return nil }
        self.init(unchecked: requests, windowSeconds, burst)
    }

    /// For parts that were within the bounds when they were packed.
    init(unchecked requests: Int, _ windowSeconds: Int, _ burst: Int) {
        self.requests = requests
        self.windowSeconds = windowSeconds
        self.burst = burst
    }

    /// Nanoseconds in which one token comes back, rounded up: never faster than promised.
    package var emissionNanoseconds: UInt64 {
        let requests = UInt64(truncatingIfNeeded: requests)
        return (UInt64(truncatingIfNeeded: windowSeconds) &* 1_000_000_000 &+ requests &- 1) / requests
    }

    /// Nanoseconds of debt that an empty bucket has.
    package var toleranceNanoseconds: UInt64 { emissionNanoseconds &* UInt64(truncatingIfNeeded: burst) }
}
