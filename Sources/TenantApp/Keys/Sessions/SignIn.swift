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
    /// `domain`: what its hash stands behind, where a page's cookie holds it. `render`: for dialects that answer a
    /// sign-in in their own way.
    package static func work(
        _ call: Call, email: [String], password: String, roles: [AccountRole],
        shape: KeyShape = .prefixed(SessionTerms.prefix), behind domain: StaticString? = nil,
        answeredBy render: (@Sendable (Session, TenantReader) throws -> Answer)? = nil
    ) -> Work {
        let render = render ?? { session, _ in Answer.json(KeyBodies.session, session, in: call.currency) }
        let place = KnownPlace(.account, at: call.clientAddress, of: call.tenant)
        return .flow { steps in
            let (account, isKnown) = try await steps.read { tenant in
                let account = try tenant.account(spelt: email)
                return (account, try account.map { try tenant.knows(place, of: $0.id) } ?? false)
            }
            let isRight = try await steps.verifies(
                password, against: account?.passwordHash, decoy: call.services.decoyHash,
                place.guess(email.first ?? "", isKnown: isKnown))
            guard isRight, let account, roles.contains(account.role), account.state == .active
            else { throw Refusal.wrongPassword }
            let secret = MintedSecret(shape: shape, book: .live, behind: domain, random: call.services.random)
            return session(for: account, from: place, call, secret, render)
        }
    }

    /// The password was right when it was looked at: password, role and state are judged again in the transaction that
    /// makes the session (G3).
    private static func session(
        for judged: Account, from place: KnownPlace, _ call: Call, _ secret: MintedSecret,
        _ render: @escaping @Sendable (Session, TenantReader) throws -> Answer
    ) -> Work {
        // Whoever may revoke keys can sign in to do so, however often others do.
        .reserving(secret.hash, reserve: judged.resellerID == nil ? .operators : nil) { tenant, detail in
            guard let account = try tenant.account(id: judged.id), account.passwordHash == judged.passwordHash,
                account.role == judged.role, account.resellerID == judged.resellerID, account.state == .active
            else { throw Refusal.wrongPassword }
            if let id = account.resellerID {
                guard let reseller = try tenant.reseller(id: id), reseller.state != .terminated else {
                    throw Refusal.wrongPassword
                }
                // A session is a row, and anybody may apply (W12). Whoever has been approved signs in to see and pay.
                if reseller.projection.isWaiting { try tenant.judgeRoom(resellerID: id, isProtecting: true) }
            }
            detail.accountID = account.id
            detail.resellerID = account.resellerID
            let role = account.role.sessionRole
            var new = NewKey(
                accountID: account.id, resellerID: account.resellerID, role: role, scopes: .all,
                display: secret.display, createdBy: account.id)
            let end = tenant.now.adding(seconds: SessionTerms.seconds)
            new.expiresAt = end
            _ = try MintKey(secret: secret, new: new).run(tenant, &detail)
            try tenant.remember(place, of: account.id)
            return try render(Session(token: secret.text, expiresAt: end, role: role), tenant)
        }
    }
}
