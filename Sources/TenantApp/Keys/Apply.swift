package import CallKit
package import TenantRegistry

/// Somebody unknown asks to become a reseller (W11, A2), and waits for the operator. An application that has lapsed may
/// be made again, perhaps by somebody else: what was minted for the first one opens nothing any more.
package struct Apply: Sendable {
    /// With its password hashed.
    package let application: ResellerApplication

    package init(_ application: ResellerApplication) { self.application = application }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> ResellerApplication.Made {
        let made = try application.run(tenant, state: .pending, approvedBy: nil, &detail)
        if made.isAgain { try tenant.revokeKeys(resellerID: made.reseller.id) }
        return made
    }
}
