import CallKit
package import TenantRegistry

/// What a fork goes without (B2): whoever had a way into the other tenant has none into this one, nothing of what was
/// sealed there comes along, and nothing is sent, charged or set up for anybody.
package struct ForkTenant: Sendable {
    /// The owner's only way in.
    package let ownerKey: MintedSecret

    package init(ownerKey: MintedSecret) { self.ownerKey = ownerKey }

    package func run(_ tenant: TenantTransaction) throws {
        try tenant.dropWaysIn()
        try tenant.replaceWebhookSecrets()
        try tenant.endPaymentService(overlapSeconds: 0)
        try tenant.dropProvisioning()
        try tenant.replaceStockTexts()
        try tenant.replacePortPasswords()
        try tenant.dropSealedAnswers()
        guard let owner = try tenant.ownerAccount() else { throw Refusal.notFound(.owner) }
        try FillTenant.mintOwnerKey(ownerKey, account: owner, tenant)
    }
}
