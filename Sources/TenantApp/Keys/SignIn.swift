package import CallKit
import Cryptography
import HTTPCore
package import TenantRegistry

/// E-mail and password to a token: a key of a session role with an end (W11, X1). Wrong address and wrong
/// password look alike and take the same time.
package enum SignIn {
    /// Somebody who has signed in: the token is shown once.
    package struct Session: Sendable {
        package let token: String
        package let expiresAt: Timestamp
        package let role: KeyRole
    }

    /// `email`: the spellings under which the account may be kept. `roles`: who may sign in here. `shape`: the token's.
    /// `render`: for dialects that answer a sign-in in their own way.
    package static func work(
        _ call: Call, email: [String], password: String, roles: [AccountRole],
        shape: KeyShape = .prefixed(SessionTerms.prefix),
        answeredBy render: (@Sendable (Session) -> Answer)? = nil
    ) -> Work {
        let render = render ?? { session in Answer.json(KeyBodies.session, session, in: call.currency) }
        return .flow { steps in
            let account = try await steps.read { try $0.account(spelt: email) }
            let hash = account?.passwordHash ?? call.services.decoyHash
            let matches = try await steps.background { Password.opens(password, hash) }
            guard matches, let account, account.passwordHash != nil, roles.contains(account.role) else {
                throw Refusal.wrongPassword
            }
            return session(for: account, call, shape, render)
        }
    }

    private static func session(
        for account: Account, _ call: Call, _ shape: KeyShape,
        _ render: @escaping @Sendable (Session) -> Answer
    ) -> Work {
        let secret = MintedSecret(shape: shape, book: .live, random: call.services.random)
        return .reserving(secret.hash) { tenant, detail in
            if let id = account.resellerID {
                guard let reseller = try tenant.reseller(id: id), reseller.state != .terminated else {
                    throw Refusal.wrongPassword
                }
            }
            let role: KeyRole =
                switch account.role {
                case .owner: .ownerSession
                case .operator: .operatorSession
                case .reseller: .resellerSession
                }
            var new = NewKey(
                accountID: account.id, resellerID: account.resellerID, role: role, scopes: .all,
                display: secret.display, createdBy: account.id)
            let end = tenant.now.adding(seconds: SessionTerms.seconds)
            new.expiresAt = end
            _ = try MintKey(secret: secret, new: new).run(tenant, &detail)
            return render(Session(token: secret.text, expiresAt: end, role: role))
        }
    }
}
