package import CallKit
package import TenantRegistry

/// A new link for a reseller that was invited and has set no password yet (O3). The links before it open nothing.
package struct InviteAgain: Sendable {
    package struct Sent: Sendable {
        package let reseller: Reseller
        package let expiresAt: Timestamp
    }

    package let resellerID: String
    package let token: LinkToken

    package init(resellerID: String, token: LinkToken) {
        self.resellerID = resellerID
        self.token = token
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Sent {
        let reseller = try tenant.standingReseller(resellerID)
        let account = try tenant.account(of: reseller)
        guard account.passwordHash == nil else { throw Refusal.conflict(.passwordSet) }
        detail.resellerID = reseller.id
        detail.note("reseller", reseller.publicID)
        return Sent(
            reseller: reseller,
            expiresAt: try tenant.insertLink(.invitation, account: account.id, tokenHash: token.hash))
    }
}
