package import CallKit
import RateLimiter
package import TenantRegistry

/// Writes a key for an account. The caller has judged who may mint what.
package struct MintKey {
    package let secret: MintedSecret
    package var new: NewKey

    package init(secret: MintedSecret, new: NewKey) {
        self.secret = secret
        self.new = new
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> APIKey {
        if !new.role.isSession { try tenant.judgeKeyQuota(resellerID: new.resellerID) }
        var new = new
        if new.role == .reseller, new.limit == nil { new.limit = try tenant.keyLimitDefault() }
        let key = try tenant.insertKey(new, secretHash: secret.hash)
        detail.note("key", key.publicID)
        detail.resellerID = new.resellerID
        return key
    }
}
