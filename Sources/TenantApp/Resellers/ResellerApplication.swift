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
        /// The same address applied before, and that application has lapsed.
        package let isAgain: Bool
        /// The signing secret, to be shown once.
        package let webhookSecret: String
    }

    package let email: String
    package let name: String
    package let company: String?
    let password: String?
    private var passwordHash: String?
    /// By somebody unknown, who waits for the operator; not by the operator.
    private let isOwn: Bool
    /// For so long an application waits; then its place is free, and whoever made it may apply again.
    package static let daysMax: Int64 = 90

    /// By somebody who applies, and signs in with the password once approved.
    package static let own = body(password: Field.newPassword("password").map { $0 }, isOwn: true)
    /// By the operator: without a password the reseller is sent an invitation.
    package static let invited = body(password: Field.newPassword("password").optional, isOwn: false)

    private static func body(password: BodyField<String?>, isOwn: Bool) -> Body<ResellerApplication> {
        Body(Field.email("email"), Field.text("name", 1...200), Field.text("company", 1...200).optional, password).map {
            email, name, company, password in
            ResellerApplication(email: email, name: name, company: company, password: password, isOwn: isOwn)
        }
    }

    package init(email: String, name: String, company: String?, password: String?, isOwn: Bool = false) {
        self.isOwn = isOwn
        self.email = email
        self.name = name
        self.company = company
        self.password = password
    }

    package var hasPassword: Bool { password != nil }

    /// With the password's scrypt hash; on the background pool. `salt`: where the form may be sent twice.
    package func hashed(_ services: Services, salt: PasswordSalt? = nil) throws -> ResellerApplication {
        var copy = self
        copy.passwordHash = try password.map { password in
            guard let salt else { return try Password.hash(password, by: services.scrypt, random: services.random) }
            return try Password.hash(password, by: services.scrypt, salt: salt)
        }
        return copy
    }

    /// Of the password that the page's form brings.
    package func salt(_ tenant: TenantReader) -> PasswordSalt { PasswordSalt(for: "application:\(email)", in: tenant) }

    /// The account that the same form, sent before, has made, and which waits (0062); nil where there is none. Whether
    /// it is the same person's, its password says.
    package func sentBefore(_ tenant: TenantReader) throws -> Account? {
        guard let account = try tenant.account(email: email), account.name == name, let id = account.resellerID,
            let hash = account.passwordHash, salt(tenant).isOf(hash), let reseller = try tenant.reseller(id: id),
            reseller.state == .pending, reseller.company == company, try lapsed(account, tenant) == nil
        else { return nil }
        return account
    }

    /// Whether the same form, sent at the same time, has made it.
    package func isMade(_ tenant: TenantReader) throws -> Bool {
        guard let passwordHash else { return false }
        return try sentBefore(tenant)?.passwordHash == passwordHash
    }

    package func with(passwordHash: String) -> ResellerApplication {
        var copy = self
        copy.passwordHash = passwordHash
        return copy
    }

    /// Throws where it would be refused as things are: before a password is hashed for it, and again in its
    /// transaction. Applications have a bound of their own, so that strangers cannot use a quota up (P2).
    package func judge(_ tenant: TenantReader) throws {
        if let account = try tenant.account(email: email), try lapsed(account, tenant) == nil {
            throw Refusal.conflict(.emailTaken)
        }
        if isOwn {
            let budgets = tenant.store.budgets
            guard try tenant.applicationsWaiting() < budgets.figures[.applicationsPending] else {
                budgets.spent.count(.applicationsPending)
                throw Refusal.crowded(.applicationsFull)
            }
        } else {
            try tenant.judgeResellerQuota()
        }
    }

    /// The reseller of an application that has lapsed, for whoever applies again.
    private func lapsed(_ account: Account, _ tenant: TenantReader) throws -> Int64? {
        guard isOwn, let id = account.resellerID, try tenant.isLapsedApplication(id) else { return nil }
        return id
    }

    package func run(
        _ tenant: TenantTransaction, state: ResellerState, approvedBy: Int64?, _ detail: inout AuditDetail
    ) throws -> Made {
        try judge(tenant)
        let reseller: Reseller
        let account: Int64
        let known = try tenant.account(email: email)
        if let known, let id = known.resellerID {
            reseller = try tenant.applyAgain(id, name: name, company: company)
            account = known.id
            if let passwordHash { try tenant.setPasswordHash(passwordHash, account: account) }
        } else {
            reseller = try tenant.insertReseller(
                email: email, name: name, company: company, state: state, approvedBy: approvedBy, isApplicant: isOwn)
            account = try tenant.insertAccount(
                email: email, name: name, role: .reseller, resellerID: reseller.id, passwordHash: passwordHash)
        }
        let secret = try tenant.mintWebhookSecret(resellerID: reseller.id)
        detail.resellerID = reseller.id
        detail.note("reseller", reseller.publicID)
        return Made(reseller: reseller, accountID: account, isAgain: known != nil, webhookSecret: secret)
    }
}
