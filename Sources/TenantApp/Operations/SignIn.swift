import Cryptography
import HTTPCore
import TenantRegistry

/// E-mail and password to a token: a key of a session role with an end (CONTRACT W11, X1). Wrong address and wrong
/// password look alike and take the same time.
package enum SignIn {
    /// `roles`: who may sign in here.
    package static func work(_ call: Call, email: String, password: String, roles: [AccountRole]) -> Work {
        let services = call.services
        let tenant = call.tenant
        return .later { answer in
            tenant.lane.submit(
                LaneJob(
                    writes: false,
                    perform: { store in
                        let account = try store.reader.account(email: email)
                        return { _ in
                            let submitted = services.fleet.background.submit {
                                answer(Result { try check(account, password, roles, call) })
                            }
                            if !submitted { answer(.failure(LaneFailure.tooManyWaiting)) }
                        }
                    },
                    fail: { answer(.failure($0)) }))
        }
    }

    private static func check(
        _ account: Account?, _ password: String, _ roles: [AccountRole], _ call: Call
    ) throws -> LateAnswer {
        let matches = Scrypt.verify(password, against: account?.passwordHash ?? call.services.decoyHash)
        guard matches, let account, account.passwordHash != nil, roles.contains(account.role) else {
            throw Refusal.unknownCredential
        }
        return .proceed(session(for: account, call))
    }

    private static func session(for account: Account, _ call: Call) -> Work {
        let secret = MintedSecret(prefix: SessionTerms.prefix, book: .live, random: call.services.random)
        return .reserving([secret.hash]) { tenant, trail in
            if let id = account.resellerID {
                guard let reseller = try tenant.reseller(id: id), reseller.state != .terminated else {
                    throw Refusal.unknownCredential
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
                displayPrefix: secret.displayPrefix, createdBy: account.id)
            let end = tenant.now.adding(seconds: SessionTerms.seconds)
            new.expiresAt = end
            _ = try MintKey(secret: secret, new: new).run(tenant, &trail)
            return .json(200) { json in
                json.field("token", secret.text)
                json.field("token_type", "Bearer")
                json.field("expires_at", end.text)
                json.field("role", role.name)
            }
        }
    }
}
