import CallKit
import HTTPCore
import RateLimiter
import TenantRegistry

/// What is one's own of one of the tenant's people: the password, and keys (O13). Sessions are in a file of their own.
extension OperatorAdmin {
    static let account: [Route] = [
        Route(
            .get, "/account", "Read who you are", access: .administrator, gives: .read(PersonBodies.person)
        ) { call in
            .read { tenant in
                guard let person = try tenant.account(id: call.accountID) else { throw Refusal.unknownCredential }
                return .json(PersonBodies.person, person, in: tenant.currency)
            }
        },
        Route(
            .post, "/account/password", "Set a new password; all of your sessions end", access: .administrator,
            needsNoRoom: true, isOpenToSupport: true, takes: PersonBodies.passwordChange.schema,
            gives: .done(PersonBodies.changed), refuses: [409]
        ) { call in
            let (old, new) = try call.read(PersonBodies.passwordChange)
            return PasswordAnswers.change(call, old: old, new: new) { .json(PersonBodies.changed, $0, in: $1) }
        },
        Route(
            .get, "/account/keys", "List your account's keys", access: .administrator,
            parameters: .page(KeyState.parameter), gives: .list(Schemas.key)
        ) { call in
            let page = try Paging(call)
            let state = try call.query().choice("state", as: KeyState.self)
            return .read { tenant in
                let keys = try tenant.keys(
                    ofPerson: call.accountID, state: state, after: page.after, limit: page.fetch)
                let owned = try keys.map { try tenant.owned($0, call) }
                return page.answer(owned, id: \.key.id, Schemas.key, in: tenant.currency)
            }
        },
        Route(
            .post, "/account/keys", "Mint a key of your own", access: .administrator, idempotency: .accepted,
            takes: Schemas.newOwnKey.schema, gives: .made(KeyBodies.minted), refuses: [409]
        ) { call in
            let own = try call.read(Schemas.newOwnKey)
            let secret = call.newSecret(own.book)
            return .reserving(secret.hash) { tenant, detail in
                guard let person = try tenant.account(id: call.accountID) else { throw Refusal.unknownCredential }
                let issue = IssueKey(request: own.request(of: person.email), secret: secret, issuedBy: person.id)
                return KeyAnswers.minted(try issue.run(tenant, &detail), secret, status: 201, in: tenant.currency)
            }
        },
    ]
}

extension OperatorAdmin.Schemas {
    /// A key for whoever asks: it does what an operator may, or less.
    struct OwnKey {
        let role: IssueKey.Role?
        let book: Book
        let name: String?
        let expiresAt: Timestamp?
        let limit: Policy?

        func request(of email: String) -> IssueKey.Request {
            IssueKey.Request(
                email: email, role: role, scopes: nil, book: book, name: name, expiresAt: expiresAt, limit: limit)
        }
    }
    static let newOwnKey = Body(
        Field.choice("role", IssueKey.Role.self).optional, Field.mode("mode").or(.live),
        Field.text("name", 1...100).optional, Field.expiry("expires_at").optional, Field.policy("limit").optional
    ).map { role, book, name, end, limit in
        OwnKey(role: role, book: book, name: name, expiresAt: end, limit: limit)
    }
}
