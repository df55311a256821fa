import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// Signing in, and keys of one's own (X1).
extension ProxyPorts {

    static let account: [Route] = [
        Route(
            .post, "/login/signin", "Sign in", access: .open, openCalls: .signIns, takes: KeyBodies.credentials.schema,
            gives: .done(Schemas.session),
            refuses: [401]
        ) { call in
            let (email, password) = try call.read(KeyBodies.credentials)
            return SignIn.work(call, email: email, password: password, roles: [.reseller]) { session in
                .json(Schemas.session, session, in: call.currency)
            }
        },
        Route(
            .post, "/api-keys", "Mint a key of your own", access: .resellerSession, idempotency: .accepted,
            takes: Schemas.newKey.schema, gives: .made(Schemas.mintedKey)
        ) { call in
            let (name, scopes, book) = try call.read(Schemas.newKey)
            let secret = call.newSecret(book)
            return .reserving(secret.hash) { tenant, detail in
                guard let reseller = try tenant.reseller(id: call.resellerID), reseller.state == .active else {
                    throw Refusal.forbidden(.resellerHasNoKeys)
                }
                let accountID = call.known.projection.accountID
                var new = NewKey(
                    accountID: accountID, resellerID: reseller.id, role: .reseller, scopes: scopes,
                    display: secret.display, createdBy: accountID)
                new.book = book
                new.name = name
                let key = try MintKey(secret: secret, new: new).run(tenant, &detail)
                return .shownOnce(201) { json, isShown in
                    let minted = Schemas.MintedKey(key: key, secret: isShown ? secret.text : nil)
                    Schemas.mintedKey.write(minted, in: tenant.currency, to: &json)
                }
            }
        },
        Route(
            .get, "/api-keys", "List your keys", access: .resellerSession, parameters: .page(),
            gives: Schemas.list("apiKeys", Schemas.key)
        ) { call in
            let page = try Paging(try call.query())
            return .read { tenant in
                let rows = try tenant.keys(resellerID: call.resellerID, after: page.after, limit: page.fetch)
                return list("apiKeys", rows, page, id: \.id, Schemas.key, in: tenant.currency)
            }
        },
        Route(.delete, "/api-keys/{id}", "Revoke a key of yours", access: .resellerSession, gives: .done(Schemas.key)) {
            call in
            .write { tenant, detail in
                guard let key = try tenant.key(publicID: call.parameters[0]), !key.role.isSession,
                    key.resellerID == call.resellerID
                else { throw Refusal.notFound(.key) }
                if key.revokedAt == nil { try tenant.revokeKey(key.id) }
                detail.note("key", key.publicID)
                guard let revoked = try tenant.key(id: key.id) else { throw Refusal.defect }
                return .json(Schemas.key, revoked, in: tenant.currency)
            }
        },
        Route(.get, "/reseller/balance", "Read your balance", access: .reseller([]), gives: .read(Schemas.balance)) {
            call in
            .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                let balances = try tenant.balances(of: reseller, book: call.book)
                return .json(Schemas.balance, balances, in: tenant.currency)
            }
        },
    ]
}
