package import CallKit
package import RateLimiter
package import TenantRegistry

/// Sets a key's own limit, or takes it away (O2). It holds from the answer on; the level is kept, rescaled.
package struct ChangeKeyLimit: Sendable {
    package let keyID: String
    /// Nil: no limit of its own.
    package let limit: Policy?
    package let author: LimitChange.Author

    /// `judge` refuses keys that the caller must leave alone.
    package func run(
        _ tenant: TenantTransaction, _ detail: inout AuditDetail, judge: (APIKey) throws -> Void
    ) throws -> APIKey {
        let key = try tenant.knownKey(keyID)
        try judge(key)
        try tenant.judgeInForce(key)
        detail.resellerID = key.resellerID
        detail.note("key", key.publicID)
        detail.note("limit", limit.map { "\($0.requests)/\($0.windowSeconds)s burst \($0.burst)" } ?? "none")
        try tenant.setKeyLimit(key.id, to: limit)
        try tenant.noteLimitChange(of: .key(key.id), from: key.limit, to: limit, by: author)
        return try tenant.knownKey(keyID)
    }
}
