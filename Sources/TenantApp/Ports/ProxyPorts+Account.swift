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
            let page = try Paging(call)
            return .read { tenant in
                let rows = try tenant.keys(resellerID: call.resellerID, after: page.after, limit: page.fetch)
                return list("apiKeys", rows, page, id: \.id, Schemas.key, in: tenant.currency)
            }
        },
        Route(
            .post, "/api-keys/{id}/rotate", "Give a key of yours a new secret", access: .resellerSession,
            idempotency: .accepted, takes: KeyBodies.rotation.schema, gives: .done(Schemas.mintedKey), refuses: [409]
        ) { call in
            try KeyAnswers.rotate(call, resellerID: call.resellerID) { key, secret, currency in
                .shownOnce(200) { json, isShown in
                    let minted = Schemas.MintedKey(key: key, secret: isShown ? secret.text : nil)
                    Schemas.mintedKey.write(minted, in: currency, to: &json)
                }
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
    /// Where somebody is signed in, and the ends of it (O13).
    static let sessions: [Route] = [
        Route(
            .post, "/login/signout", "Sign out", access: .resellerSession, openIn: [.pending, .suspended],
            gives: .done(Schemas.ended)
        ) { call in
            .write { tenant, _ in
                try tenant.revokeKey(call.keyID)
                return .json(Schemas.ended, 1, in: tenant.currency)
            }
        },
        Route(
            .get, "/account/sessions", "List where you are signed in", access: .resellerSession, openIn: [.pending],
            parameters: .page(), gives: Schemas.sessions
        ) { call in
            try SessionAnswers.list(call, of: call.ownSessions) { tenant, rows, page in
                list("sessions", rows, page, id: \.key.id, Shape(Schemas.listedSession), in: tenant.currency)
            }
        },
        Route(
            .delete, "/account/sessions", "End your sessions, all but this one", access: .resellerSession,
            openIn: [.pending, .suspended], gives: .done(Schemas.ended)
        ) { call in SessionAnswers.endOthers(call, of: call.ownSessions) { .json(Schemas.ended, $0, in: $1) } },
        Route(
            .delete, "/account/sessions/{id}", "End one of your sessions", access: .resellerSession,
            openIn: [.pending, .suspended], gives: .done(Schemas.ended)
        ) { call in
            SessionAnswers.end(
                call, call.parameters[0], of: call.ownSessions, answer: .json(Schemas.ended, 1, in: call.currency))
        },
    ]
}
