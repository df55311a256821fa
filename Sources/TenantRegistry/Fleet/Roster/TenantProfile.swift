package import RateLimiter

/// The registry's row of one tenant.
package struct TenantProfile: Sendable {
    package var id: TenantID
    package var slug: String
    package var blueprint: String
    package var state: TenantState
    package var tier: Tier
    package var quotaOverrides: QuotaOverrides
    package var currency: String
    package var keyPrefix: String
    package var ownerEmail: String
    package var createdAt: Timestamp
    package var refundableUntil: Timestamp
    /// The end of the paid period that runs; set when the provider cancels.
    package var endsAt: Timestamp?
    package var endedAt: Timestamp?
    /// When the clock erases it; set by a deletion that was put off, and taken back with it (P10).
    package var deletesAt: Timestamp?
    package var limit: Policy?
    package var domains: [String]
    package var projectionEpoch: Int64
    package var incarnation: Int64 = 1
    package var requestsMonth: Int64
    package var requestsCount: Int64
    package var lastRequestAt: Timestamp?
    /// Where it went; nil while it lives here.
    package var move: TenantMove?

    package init(
        id: TenantID, slug: String, blueprint: String, state: TenantState, tier: Tier, quotaOverrides: QuotaOverrides,
        currency: String, keyPrefix: String, ownerEmail: String, createdAt: Timestamp, refundableUntil: Timestamp,
        endsAt: Timestamp?, endedAt: Timestamp?, deletesAt: Timestamp? = nil, limit: Policy?, domains: [String],
        projectionEpoch: Int64, incarnation: Int64 = 1, requestsMonth: Int64, requestsCount: Int64,
        lastRequestAt: Timestamp?
    ) {
        self.id = id
        self.slug = slug
        self.blueprint = blueprint
        self.state = state
        self.tier = tier
        self.quotaOverrides = quotaOverrides
        self.currency = currency
        self.keyPrefix = keyPrefix
        self.ownerEmail = ownerEmail
        self.createdAt = createdAt
        self.refundableUntil = refundableUntil
        self.endsAt = endsAt
        self.endedAt = endedAt
        self.deletesAt = deletesAt
        self.limit = limit
        self.domains = domains
        self.projectionEpoch = projectionEpoch
        self.incarnation = incarnation
        self.requestsMonth = requestsMonth
        self.requestsCount = requestsCount
        self.lastRequestAt = lastRequestAt
    }

    /// It is being made, or erased: nobody's tenant yet, or any more (P1, P5).
    package var isUnfinished: Bool { state == .creating || state == .deleting }

    package var quotas: Quotas { quotaOverrides.applied(to: tier.quotas) }

    /// Whether requests of resellers and operators are served then, by state and by the end of a cancelled period.
    package func access(at now: Timestamp) -> TenantAccess {
        // A cancelled period ends, whether the tenant is suspended or not.
        if state == .active || state == .suspended, let endsAt, now >= endsAt { return .refused(.cancelled) }
        switch state {
        case .active: return .open
        case .suspended: return .refused(.suspended)
        case .cancelled: return .refused(.cancelled)
        case .refunded: return .refused(.refunded)
        case .moved: return .refused(.moved(to: move?.baseURL ?? ""))
        case .creating, .deleting: return .unknown
        }
    }

    /// What the provider changes, as the registry's row has it now. The owner's address follows the file.
    mutating func takeChangeable(from row: TenantProfile) {
        state = row.state
        tier = row.tier
        quotaOverrides = row.quotaOverrides
        limit = row.limit
        endsAt = row.endsAt
        endedAt = row.endedAt
        deletesAt = row.deletesAt
        move = row.move
    }
}

/// Where a tenant went (P10).
package struct TenantMove: Sendable, Equatable {
    /// Its base URL there: what callers are told.
    package var baseURL: String
    package let at: Timestamp
    /// What it was before, and is again where the move is taken back.
    package let stateBefore: TenantState
    /// It lives there: the move cannot be taken back any more.
    package var confirmedAt: Timestamp?

    package init(baseURL: String, at: Timestamp, stateBefore: TenantState, confirmedAt: Timestamp? = nil) {
        self.baseURL = baseURL
        self.at = at
        self.stateBefore = stateBefore
        self.confirmedAt = confirmedAt
    }
}
