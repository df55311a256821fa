/// The levels at which a request is limited, in the order in which they are asked.
package enum LimitScope: UInt8, Sendable, CaseIterable {
    case key = 0
    case reseller
    case routeClass
    case tenant
    case process
}

/// The buckets that one request must pass; a level without a limit is nil. A fixed struct, so that a decision allocates
/// nothing. Any thread.
package struct RequestLimits: Sendable {
    package var key: Bucket?
    package var reseller: Bucket?
    package var routeClass: Bucket?
    package var tenant: Bucket?
    package var process: Bucket?

    package init(
        key: Bucket? = nil, reseller: Bucket? = nil, routeClass: Bucket? = nil, tenant: Bucket? = nil,
        process: Bucket? = nil
    ) {
        self.key = key
        self.reseller = reseller
        self.routeClass = routeClass
        self.tenant = tenant
        self.process = process
    }
}

/// What the levels said together.
package struct Verdict: Sendable, Hashable {
    package let admitted: Bool
    /// The level that binds: the one that refused, or else the one with the least left (the earlier one of two equals);
    /// nil where no level has a limit.
    package let level: LimitScope?
    /// That level's decision.
    package let decision: Decision?

    package init(admitted: Bool, level: LimitScope?, decision: Decision?) {
        self.admitted = admitted
        self.level = level
        self.decision = decision
    }
}
