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
        var reseller = try tenant.standingReseller(resellerID)
        detail.resellerID = reseller.id
        if let rate = defaultDiscountRate {
            detail.note("default_discount_rate", from: reseller.defaultDiscountRate.decimal, to: rate.decimal)
            reseller.defaultDiscountRate = rate
            // Every net price in the list follows from it.
            tenant.forgetAnswers(resellerID: reseller.id)
        }
        if let credit = creditLimit {
            detail.note("credit_limit", from: tenant.decimal(reseller.creditLimit), to: tenant.decimal(credit))
            reseller.creditLimit = credit
        }
        if let limit {
            try tenant.noteLimitChange(of: .reseller(reseller.id), from: reseller.limit, to: limit, by: author)
            reseller.limit = limit
            detail.note("rate_limit", "\(limit.requests)/\(limit.windowSeconds)s burst \(limit.burst)")
        }
        if let access = apiAccess {
            detail.note("api_access", from: reseller.apiAccess ? "on" : "off", to: access ? "on" : "off")
            reseller.apiAccess = access
        }
        if let threshold = lowBalanceThreshold {
            let words = { (threshold: Money?) in threshold.map { tenant.decimal($0) } ?? "none" }
            detail.note("low_balance_threshold", from: words(reseller.lowBalanceThreshold), to: words(threshold))
            reseller.lowBalanceThreshold = threshold
        }
        try tenant.saveTerms(of: reseller)
        return reseller
    }
}
