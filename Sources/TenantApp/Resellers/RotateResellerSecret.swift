package import CallKit
package import TenantRegistry

/// Gives a reseller a new signing secret; the one before is good for a while (O3, W5).
package struct RotateResellerSecret: Sendable {
    package struct Rotated: Sendable {
        package let reseller: Reseller
        package let secret: String
        package let previousValidUntil: Timestamp
    }

    package let resellerID: String
    package let overlapSeconds: Int64

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Rotated {
        let reseller = try tenant.standingReseller(resellerID)
        let secret = try tenant.mintWebhookSecret(resellerID: reseller.id, overlapSeconds: overlapSeconds)
        detail.resellerID = reseller.id
        detail.note("reseller", reseller.publicID)
        return Rotated(
            reseller: reseller, secret: secret, previousValidUntil: tenant.now.adding(seconds: overlapSeconds))
    }
}
