package import CallKit
package import TenantRegistry

/// The operator makes a reseller (O3). It begins as pending, like one that applied; without a password its person
/// sets one through a link.
package struct InviteReseller: Sendable {
    /// With its password hashed, where it has one.
    package let application: ResellerApplication
    package let token: LinkToken?

    package init(application: ResellerApplication, token: LinkToken?) {
        self.application = application
        self.token = token
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> ResellerApplication.Made {
        let made = try application.run(tenant, state: .pending, approvedBy: nil, &detail)
        if let token { try tenant.insertLink(.invitation, account: made.accountID, tokenHash: token.hash) }
        return made
    }
}
