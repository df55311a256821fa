import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// Signing in, and keys of one's own (X1).
extension ProxyPorts {

    static let account: [Route] = [
        Route(
            .post, "/login/signin", "Sign in", access: .open, takes: .credentials, gives: .done(Schemas.session),
            refuses: [401]
        ) { call in
            var fields = try call.fields()
            let email = fields.email("email")
            let password = fields.string("password", characters: 1...PasswordRule.charactersMax)
            try fields.finish()
            guard let email, let password else { throw Refusal.defect }
            return SignIn.work(call, email: email, password: password, roles: [.reseller]) { session in
                .json { json in
                    json.field("access_token", session.token)
                    json.field("token_type", "Bearer")
                    json.field("expires_in", SessionTerms.seconds)
                }
            }
        },
        Route(
            .post, "/api-keys", "Mint a key of your own", access: .resellerSession, idempotency: .accepted,
            takes: Schemas.newKey, gives: .made(Schemas.mintedKey)
        ) { call in
            var fields = try call.fields()
            let name = fields.string("name", characters: 1...100)
            let scopes = fields.scopes("scopes", allowed: scopes)
            let book = fields.mode("mode")
            try fields.finish()
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
                    if isShown { json.field("key", secret.text) }
                    encode(key, &json)
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
                return list("apiKeys", rows, page, id: \.id) { key, json in encode(key, &json) }
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
                return .json { json in encode(revoked, &json) }
            }
        },
        Route(.get, "/reseller/balance", "Read your balance", access: .reseller([]), gives: .read(Schemas.balance)) {
            call in
            .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                let balance = try tenant.balance(.balance(reseller: reseller.id), book: call.book)
                let available = try balance.adding(reseller.creditLimit)
                return .json { json in
                    json.field("balance", raw: tenant.decimal(balance))
                    json.field("creditLimit", raw: tenant.decimal(reseller.creditLimit))
                    json.field("available", raw: tenant.decimal(available))
                    json.field("currency", tenant.currency.code)
                }
            }
        },
    ]

    private static func encode(_ key: APIKey, _ json: inout JSONWriter) {
        json.field("_id", key.publicID)
        json.field("name", key.name)
        json.field("prefix", key.display.prefix)
        json.array("scopes") { json in for name in key.scopes.names { json.element(name) } }
        json.field("mode", key.book.name)
        json.field("createdAt", key.createdAt.milliseconds)
        json.field("revokedAt", key.revokedAt?.milliseconds)
    }
}
