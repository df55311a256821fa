import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// Applying, signing in, keys of one's own, and the webhook (W6, W11).
extension WholesaleOrders {
    static let account: [Route] = [
        Route(
            .post, "/apply", "Apply to become a reseller", access: .open, openCalls: .applications,
            takes: ResellerApplication.own.schema, gives: .made(Schemas.applied), refuses: [409]
        ) { call in
            let application = try call.read(ResellerApplication.own)
            return .flow { steps in
                try await steps.read { try application.judge($0) }
                let application = try await steps.background { try application.hashed(call.services) }
                return .write { tenant, detail in
                    let made = try Apply(application).run(tenant, &detail)
                    return .json(201, Schemas.applied, made.reseller, in: tenant.currency)
                }
            }
        },
        Route(
            .post, "/session", "Sign in", access: .open, openCalls: .signIns,
            takes: KeyBodies.credentials.schema,
            gives: .done(KeyBodies.session), refuses: [401]
        ) { call in
            let (email, password) = try call.read(KeyBodies.credentials)
            return SignIn.work(call, email: email, password: password, roles: [.reseller])
        },
        Route(
            .delete, "/session", "Sign out", access: .resellerSession, openIn: [.pending, .suspended], gives: .nothing
        ) { call in
            .write { tenant, _ in
                try tenant.revokeKey(call.known.projection.keyID)
                return .noContent
            }
        },
        Route(
            .get, "/account/sessions", "List where you are signed in", access: .resellerSession, openIn: [.pending],
            parameters: .page(), gives: .list(SessionBodies.session)
        ) { call in
            try SessionAnswers.list(call, of: call.ownSessions) { tenant, rows, page in
                page.answer(rows, id: \.key.id, SessionBodies.session, in: tenant.currency)
            }
        },
        Route(
            .delete, "/account/sessions", "End your sessions, all but this one", access: .resellerSession,
            openIn: [.pending, .suspended], gives: .done(SessionBodies.ended)
        ) { call in SessionAnswers.endOthers(call, of: call.ownSessions) { .json(SessionBodies.ended, $0, in: $1) } },
        Route(
            .delete, "/account/sessions/{id}", "End one of your sessions", access: .resellerSession,
            openIn: [.pending, .suspended], gives: .nothing
        ) { call in SessionAnswers.end(call, call.parameters[0], of: call.ownSessions) },
        Route(
            .post, "/keys", "Mint a key of your own", access: .resellerSession, takes: Schemas.newKey.schema,
            gives: .made(KeyBodies.minted)
        ) { call in
            let (name, scopes, book, end) = try call.read(Schemas.newKey)
            let secret = call.newSecret(book)
            return .reserving(secret.hash) { tenant, detail in
                guard let reseller = try tenant.reseller(id: call.resellerID), reseller.state == .active else {
                    throw Refusal.forbidden(.resellerHasNoKeys)
                }
                var new = NewKey(
                    accountID: call.known.projection.accountID, resellerID: reseller.id, role: .reseller,
                    scopes: scopes, display: secret.display, createdBy: call.known.projection.accountID)
                new.book = book
                new.name = name
                new.expiresAt = end
                let key = try MintKey(secret: secret, new: new).run(tenant, &detail)
                return KeyAnswers.minted(key, secret, status: 201, in: tenant.currency)
            }
        },
        Route(
            .get, "/keys", "List your keys", access: .resellerSession, parameters: .page(), gives: .list(KeyBodies.key)
        ) {
            call in
            let page = try Paging(call)
            return .read { tenant in
                let rows = try tenant.keys(resellerID: call.resellerID, after: page.after, limit: page.fetch)
                return page.answer(rows, id: \.id, KeyBodies.key, in: tenant.currency)
            }
        },
        Route(
            .post, "/keys/{id}/rotate", "Rotate a key of yours", access: .resellerSession,
            takes: KeyBodies.rotation.schema,
            gives: .done(KeyBodies.minted), refuses: [409]
        ) { call in
            try KeyAnswers.rotate(call, resellerID: call.resellerID)
        },
        Route(.delete, "/keys/{id}", "Revoke a key of yours", access: .resellerSession, gives: .done(KeyBodies.revoked))
        {
            call in
            KeyAnswers.revoke(call, resellerID: call.resellerID)
        },
        Route(
            .post, "/webhook/secret/rotate", "Get a new signing secret; the old one works on for a day, or as you say",
            access: .resellerSession, takes: WebhookBodies.rotation.schema, gives: .done(Schemas.webhookSecret)
        ) {
            call in
            let overlap = try call.read(WebhookBodies.rotation)
            return .write { tenant, detail in
                guard try tenant.reseller(id: call.resellerID)?.state == .active else {
                    throw Refusal.forbidden(.resellerHasNoSecrets)
                }
                let secret = try tenant.mintWebhookSecret(resellerID: call.resellerID, overlapSeconds: overlap)
                detail.note("webhook_secret", "rotated")
                let rotated = WebhookBodies.Rotated(
                    secret: secret, previousValidUntil: tenant.now.adding(seconds: overlap))
                return .json(Schemas.webhookSecret, rotated, in: tenant.currency)
            }
        },
    ]
}
