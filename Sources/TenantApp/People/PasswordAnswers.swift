package import CallKit
import Cryptography
package import TenantRegistry

/// Passwords of accounts on the wire, for the operator's API and the resellers' own (O13): a dialect brings its fields
/// and its envelope.
package enum PasswordAnswers {
    /// Whoever calls sets a new password, knowing the old one, which is metered as a sign-in is (G6). `answer` is told
    /// how many sessions were ended: all of the account's, that of the call among them.
    package static func change(
        _ call: Call, old: String, new: String, answer: @escaping @Sendable (_ ended: Int, Currency) -> Answer
    ) -> Work {
        let (accountID, keyID) = (call.accountID, call.keyID)
        let place = KnownPlace(.account, at: call.clientAddress, of: call.tenant)
        return .flow { steps in
            let (account, isKnown) = try await steps.read { tenant in
                guard let account = try tenant.account(id: accountID) else { throw Refusal.unknownCredential }
                // A lesser key of the owner's is no owner.
                guard account.role != .owner || call.known.role.isOwner else {
                    throw Refusal.forbidden(.ownerChangesPassword)
                }
                guard account.passwordHash != nil else { throw Refusal.conflict(.noPassword) }
                return (account, try tenant.knows(place, of: accountID))
            }
            let isRight = try await steps.verifies(
                old, against: account.passwordHash, decoy: call.services.decoyHash,
                place.guess(account.email, isKnown: isKnown))
            guard isRight else { throw Refusal.wrongOldPassword }
            let hash = try await steps.background {
                try Password.hash(new, by: call.services.scrypt, random: call.services.random)
            }
            let ended = try await EndSessions.untilFew(steps) { _ in
                EndSessions(.account(accountID), sparingOwner: false, but: keyID)
            }
            return .write { tenant, detail in
                let change = ChangePassword(judged: account, passwordHash: hash, place: place)
                return answer(ended + (try change.run(tenant, &detail)), tenant.currency)
            }
        }
    }

    /// A link by which somebody else sets a new password, shown once. `account`: whose, judged in the transaction.
    package static func reset(
        _ call: Call, of account: @escaping @Sendable (TenantReader) throws -> Account
    ) -> Work {
        let token = LinkToken(random: call.services.random)
        let issue = IssueResetLink(token: token)
        return .write { tenant, detail in
            let end = try issue.run(for: try account(tenant), tenant, &detail)
            return .shownOnce(201) { json, isShown in
                let url = isShown ? AccountLink.passwordReset.url(token, below: call.baseURL) : nil
                PersonBodies.reset.write(PersonBodies.Reset(url: url, expiresAt: end), in: tenant.currency, to: &json)
            }
        }
    }
}
