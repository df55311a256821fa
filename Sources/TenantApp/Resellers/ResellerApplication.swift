package import CallKit
import Cryptography
import HTTPCore
package import TenantRegistry

/// What a password must be, everywhere.
package enum PasswordRule {
    package static let charactersMin = 8
    package static let charactersMax = 256
}

/// Somebody becomes a reseller: by applying (W11) or by the operator's invitation (O3).
package struct ResellerApplication: Sendable {
    package struct Made {
        package let reseller: Reseller
        package let accountID: Int64
        /// The signing secret, to be shown once.
        package let webhookSecret: String
    }

    package let email: String
    package let name: String
    package let company: String?
    private let password: String?
    private var passwordHash: String?

    /// By somebody who applies, and signs in with the password once approved.
    package static let own = body(password: Field.newPassword("password").map { $0 })
    /// By the operator: without a password the reseller is sent an invitation.
    package static let invited = body(password: Field.newPassword("password").optional)

    private static func body(password: BodyField<String?>) -> Body<ResellerApplication> {
        Body(Field.email("email"), Field.text("name", 1...200), Field.text("company", 1...200).optional, password).map {
            email, name, company, password in
            ResellerApplication(email: email, name: name, company: company, password: password)
        }
    }

    package init(email: String, name: String, company: String?, password: String?) {
        self.email = email
        self.name = name
        self.company = company
        self.password = password
    }

    package var hasPassword: Bool { password != nil }

    /// With the password's scrypt hash; on the background pool.
    package func hashed(_ services: Services) throws -> ResellerApplication {
        var copy = self
        copy.passwordHash = try password.map { try Password.hash($0, by: services.scrypt, random: services.random) }
        return copy
    }

    package func with(passwordHash: String) -> ResellerApplication {
        var copy = self
        copy.passwordHash = passwordHash
        return copy
    }

    package func run(
        _ tenant: TenantTransaction, state: ResellerState, approvedBy: Int64?, _ detail: inout AuditDetail
    ) throws -> Made {
        if try tenant.account(email: email) != nil {
            throw Refusal.conflict(.emailTaken)
        }
        if let most = tenant.store.record?.profile.quotas.resellersMax {
            guard try tenant.resellerCount() < most else { throw Refusal.quotaExceeded("resellers") }
        }
        let reseller = try tenant.insertReseller(
            email: email, name: name, company: company, state: state, approvedBy: approvedBy)
        let account = try tenant.insertAccount(
            email: email, name: name, role: .reseller, resellerID: reseller.id, passwordHash: passwordHash)
        let secret = try tenant.mintWebhookSecret(resellerID: reseller.id)
        detail.resellerID = reseller.id
        detail.note("reseller", reseller.publicID)
        return Made(reseller: reseller, accountID: account, webhookSecret: secret)
    }
}
