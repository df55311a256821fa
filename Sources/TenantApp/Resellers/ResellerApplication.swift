package import CallKit
import Cryptography
package import HTTPCore
package import TenantRegistry

/// What a password must be, everywhere.
package enum PasswordRule {
    package static let charactersMin = 8
    package static let charactersMax = 256
}

/// Somebody becomes a reseller: by applying (W11) or by the operator's invitation (O3).
package struct ResellerApplication: Sendable {
    package enum PasswordNeed: Sendable {
        case required
        case optional
    }

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

    /// Nil where a field is missing or wrong: `fields` then says which.
    package init?(reading fields: inout FieldReader, password need: PasswordNeed) {
        let email = fields.email("email")
        let name = fields.string("name", characters: 1...200)
        company = fields.optionalString("company", characters: 1...200)
        let lengths = PasswordRule.charactersMin...PasswordRule.charactersMax
        password =
            need == .required
            ? fields.string("password", characters: lengths) : fields.optionalString("password", characters: lengths)
        guard let email, let name, fields.errors.isEmpty else { return nil }
        self.email = email
        self.name = name
    }

    package init(email: String, name: String, company: String?, password: String) {
        self.email = email
        self.name = name
        self.company = company
        self.password = password
    }

    /// With the password's scrypt hash; on the background pool.
    package func hashed(_ services: Services) throws -> ResellerApplication {
        var copy = self
        copy.passwordHash = try password.map { try services.scrypt.hash($0, random: services.random) }
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
