package import CallKit
package import Cryptography
package import TenantRegistry

/// The operator makes a reseller (O3). It begins as pending, like one that applied; without a password its person
/// sets one through a link.
package struct InviteReseller: Sendable {
    /// What an invitation link carries; only its hash is stored.
    package struct Token: Sendable {
        package let text: String
        package let hash: Digest

        /// 43 base 62 digits are 256 bits.
        package static let digits = 43

        package init(random: any RandomSource) {
            text = Base62.random(Self.digits, from: random)
            hash = SHA256.hash(text)
        }
    }

    /// With its password hashed, where it has one.
    package let application: ResellerApplication
    package let token: Token?

    package init(application: ResellerApplication, token: Token?) {
        self.application = application
        self.token = token
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> ResellerApplication.Made {
        let made = try application.run(tenant, state: .pending, approvedBy: nil, &detail)
        if let token { try tenant.insertInvitation(account: made.accountID, tokenHash: token.hash) }
        return made
    }
}
