package import CallKit
package import RateLimiter
package import TenantRegistry

/// Fills a key's own limit again, from the answer on (O2).
package struct FillKeyLimit: Sendable {
    package let keyID: String
    /// What the loops ask for this key.
    package let bucket: @Sendable (APIKey) -> Bucket?

    /// `now`: of the bucket's clock. `judge` refuses keys that the caller must leave alone.
    package func run(
        _ tenant: TenantTransaction, _ detail: inout AuditDetail, now: @escaping @Sendable () -> UInt64,
        judge: (APIKey) throws -> Void
    ) throws -> APIKey {
        let key = try tenant.knownKey(keyID)
        try judge(key)
        try tenant.judgeInForce(key)
        guard key.limit != nil else { throw Refusal.conflict(.noLimit) }
        detail.resellerID = key.resellerID
        detail.note("key", key.publicID)
        let bucket = bucket
        // As it is then: a change of the limit in the same batch may have made another.
        tenant.store.afterCommit { bucket(key)?.fill(now: now()) }
        return key
    }
}
