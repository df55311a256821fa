package import CallKit
package import Cryptography
package import TenantRegistry

/// Whoever was invited sets a password, once, through the link (O3, P1). Unknown, used and expired links look
/// alike.
package struct AcceptInvitation: Sendable {
    package let tokenHash: Digest
    /// As `Scrypt.hash` gives it; made off the lane.
    package let passwordHash: String

    package init(tokenHash: Digest, passwordHash: String) {
        self.tokenHash = tokenHash
        self.passwordHash = passwordHash
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Account {
        guard let account = try tenant.invitedAccount(tokenHash: tokenHash) else {
            throw Refusal.notFound(.invitation)
        }
        if let id = account.resellerID, try tenant.reseller(id: id)?.state == .terminated {
            throw Refusal.notFound(.invitation)
        }
        try tenant.setPasswordHash(passwordHash, account: account.id)
        try tenant.useInvitation(tokenHash: tokenHash)
        detail.resellerID = account.resellerID
        detail.note("account", String(account.id))
        return account
    }
}
