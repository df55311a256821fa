/// What a policy would have said to the calls of a period, had it been in force alone (O2).
///
/// Invariant: it says what a `Bucket` of that policy says that was full before the first call and is asked at the same
/// instants, since both ask one arithmetic. A value: any thread.
package struct Rehearsal: Sendable {
    /// Milliseconds since some moment, rising: fewer than 2³², which is 49 days.
    private let instants: [UInt32]

    /// A limit is good enough that refuses fewer than one of so many.
    package static let goodEnoughOneOf = 1_000

    package init(risingMilliseconds instants: [UInt32]) { self.instants = instants }

    package var count: Int { instants.count }

    /// How many of the calls are refused. `at` is told the place of each.
    @discardableResult
    package func refusals(under policy: Policy, at place: (Int) -> Void = { _ in }) -> Int {
        var (arrival, refused) = (UInt64(0), 0)
        for (index, milliseconds) in instants.enumerated() {
            let now = Self.nanoseconds(milliseconds)
            if let next = CellRate.judge(policy, arrival: arrival, cost: 1, now: now).arrival {
                arrival = next
            } else {
                refused += 1
                place(index)
            }
        }
        return refused
    }

    /// The instant of a call on a bucket's clock.
    package static func nanoseconds(_ milliseconds: UInt32) -> UInt64 { UInt64(milliseconds) * 1_000_000 }

    /// The fewest requests in this window that refuse fewer than 0.1 % of the calls, while one request fewer refuses
    /// more; nil where no limit of this window and burst does, or where there are no calls. `burst` nil: as many as
    /// the requests.
    package func smallest(windowSeconds: Int, burst: Int?) -> Policy? {
        guard count > 0 else { return nil }
        func good(_ requests: Int) -> Policy? {
            guard let policy = Policy(requests: requests, windowSeconds: windowSeconds, burst: burst ?? requests),
                refusals(under: policy) * Self.goodEnoughOneOf < count
            else { return nil }
            return policy
        }
        guard var found = good(Policy.requestsMax) else { return nil }
        var tooFew = 0
        while found.requests - tooFew > 1 {
            let middle = (found.requests + tooFew) / 2
            if let better = good(middle) { found = better } else { tooFew = middle }
        }
        return found
    }
}
