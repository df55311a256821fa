package import CallKit
package import RateLimiter
package import TenantRegistry

/// Changes what an operator has agreed with a reseller (O3): what is nil stays as it is.
package struct ChangeResellerTerms: Sendable {
    package let resellerID: String
    package let author: LimitChange.Author
    package var defaultDiscountRate: Percent?
    package var creditLimit: Money?
    package var limit: Policy?
    package var apiAccess: Bool?
    /// `.some(nil)` takes the threshold away.
    package var lowBalanceThreshold: Money??

    package init(resellerID: String, author: LimitChange.Author) {
        self.resellerID = resellerID
        self.author = author
    }

    package var isEmpty: Bool {
        defaultDiscountRate == nil && creditLimit == nil && limit == nil && apiAccess == nil
            && lowBalanceThreshold == nil
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Reseller {
        var reseller = try tenant.knownReseller(resellerID)
        guard reseller.state != .terminated else {
            throw Refusal.conflict(.resellerTerminated)
        }
        detail.resellerID = reseller.id
        if let rate = defaultDiscountRate {
            reseller.defaultDiscountRate = rate
            detail.note("default_discount_rate", rate.decimal)
            // Every net price in the list follows from it.
            tenant.forgetAnswers(resellerID: reseller.id)
        }
        if let credit = creditLimit {
            reseller.creditLimit = credit
            detail.note("credit_limit", tenant.decimal(credit))
        }
        if let limit {
            try tenant.noteLimitChange(of: .reseller(reseller.id), from: reseller.limit, to: limit, by: author)
            reseller.limit = limit
            detail.note("rate_limit", "\(limit.requests)/\(limit.windowSeconds)s burst \(limit.burst)")
        }
        if let access = apiAccess {
            reseller.apiAccess = access
            detail.note("api_access", access ? "on" : "off")
        }
        if let threshold = lowBalanceThreshold {
            reseller.lowBalanceThreshold = threshold
            detail.note("low_balance_threshold", threshold.map { tenant.decimal($0) } ?? "none")
        }
        try tenant.saveTerms(of: reseller)
        return reseller
    }
}
