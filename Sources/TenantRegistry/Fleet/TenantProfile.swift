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

    package var quotas: Quotas { quotaOverrides.applied(to: tier.quotas) }

    /// Whether requests of resellers and operators are served then, by state and by the end of a cancelled period.
    package func access(at now: Timestamp) -> TenantAccess {
        switch state {
        case .active:
            if let endsAt, now >= endsAt { return .refused(.cancelled) }
            return .open
        case .suspended: return .refused(.suspended)
        case .cancelled: return .refused(.cancelled)
        case .refunded: return .refused(.refunded)
        case .creating, .deleting: return .unknown
        }
    }

    /// What the provider changes, as the registry's row has it now.
    mutating func takeChangeable(from row: TenantProfile) {
        state = row.state
        tier = row.tier
        quotaOverrides = row.quotaOverrides
        limit = row.limit
        endsAt = row.endsAt
        endedAt = row.endedAt
        deletesAt = row.deletesAt
        ownerEmail = row.ownerEmail
    }
}
