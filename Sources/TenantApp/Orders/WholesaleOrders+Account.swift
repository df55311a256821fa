import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// Applying, signing in, keys of one's own, and the webhook (W6, W11).
extension WholesaleOrders {
    static let account: [Route] = [
        Route(
            .post, "/apply", "Apply to become a reseller", access: .open, isRationedByAddress: true,
            takes: Schemas.application, gives: .made(Schemas.applied), refuses: [409]
        ) { call in
            var fields = try call.fields()
            let application = ResellerApplication(reading: &fields, password: .required)
            try fields.finish()
            return .background {
                guard let application = try application?.hashed(call.services) else { throw Refusal.defect }
                return .write { tenant, detail in
                    let made = try application.run(tenant, state: .pending, approvedBy: nil, &detail)
                    return .json(201) { json in
                        json.field("id", made.reseller.publicID)
                        json.field("status", made.reseller.state.name)
                        json.field("email", made.reseller.email)
                    }
                }
            }
        },
        Route(
            .post, "/session", "Sign in", access: .open, isRationedByAddress: false, takes: .credentials,
            gives: .done(.session), refuses: [401]
        ) { call in
            var fields = try call.fields()
            let email = fields.email("email")
            let password = fields.string("password", characters: 1...PasswordRule.charactersMax)
            try fields.finish()
            guard let email, let password else { throw Refusal.defect }
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
            .post, "/keys", "Mint a key of your own", access: .resellerSession, takes: Schemas.newKey.omittable,
            gives: .made(.mintedKey)
        ) { call in
            var fields = try call.optionalFields()
            let name = fields.optionalString("name", characters: 1...100)
            let scopes = fields.scopes("scopes", allowed: WholesaleOrders.scopes)
            let book = fields.mode("mode")
            let end = fields.expiry("expires_at", after: call.now)
            try fields.finish()
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
                return KeyAnswers.minted(key, secret, status: 201)
            }
        },
        Route(.get, "/keys", "List your keys", access: .resellerSession, parameters: .page(), gives: .list(.key)) {
            call in
            let page = try Paging(try call.query())
            return .read { tenant in
                let rows = try tenant.keys(resellerID: call.resellerID, after: page.after, limit: page.fetch)
                return page.answer(rows, id: \.id) { key, json in KeyAnswers.encode(key, &json) }
            }
        },
        Route(
            .post, "/keys/{id}/rotate", "Rotate a key of yours", access: .resellerSession, takes: .rotation.omittable,
            gives: .done(.mintedKey), refuses: [409]
        ) { call in
            try KeyAnswers.rotate(call, resellerID: call.resellerID)
        },
        Route(.delete, "/keys/{id}", "Revoke a key of yours", access: .resellerSession, gives: .done(.revokedKey)) {
            call in
            KeyAnswers.revoke(call, resellerID: call.resellerID)
        },
        Route(
            .post, "/webhook/secret/rotate", "Get a new signing secret; the old one works on for a day",
            access: .resellerSession, gives: .done(Schemas.webhookSecret)
        ) {
            call in
            .write { tenant, detail in
                guard try tenant.reseller(id: call.resellerID)?.state == .active else {
                    throw Refusal.forbidden(.resellerHasNoSecrets)
                }
                let secret = try tenant.mintWebhookSecret(resellerID: call.resellerID)
                detail.note("webhook_secret", "rotated")
                return .json { json in
                    json.field("ok", true)
                    json.field("webhook_secret", secret)
                }
            }
        },
        Route(
            .get, "/webhook", "Read where your events go", access: .reseller(.partnerRead),
            gives: .read(Schemas.webhook)
        ) { call in
            .read { tenant in
                guard let endpoint = try tenant.webhookEndpoints(resellerID: call.resellerID, book: call.book).first
                else { throw Refusal.notFound(.webhook) }
                return .json { json in encode(endpoint, &json) }
            }
        },
        Route(
            .put, "/webhook", "Say where your events go", access: .reseller(.partnerOrder),
            takes: Schemas.webhookRequest, gives: .done(Schemas.webhook)
        ) { call in
            var fields = try call.fields()
            let url = fields.webhookURL("url")
            let events = fields.events("events", allowed: EventType.wholesale.map(\.rawValue))
            try fields.finish()
            guard let url, let events else { throw Refusal.defect }
            return .write { tenant, detail in
                try tenant.setWebhookEndpoint(
                    url: url, events: events, resellerID: call.resellerID, book: call.book)
                guard let endpoint = try tenant.webhookEndpoints(resellerID: call.resellerID, book: call.book).first
                else { throw Refusal.defect }
                detail.note("webhook", endpoint.publicID)
                return .json { json in encode(endpoint, &json) }
            }
        },
    ]

    private static func encode(_ endpoint: WebhookEndpoint, _ json: inout JSONWriter) {
        json.field("id", endpoint.publicID)
        json.field("url", endpoint.url)
        json.array("events") { json in for event in endpoint.events { json.element(event) } }
        json.field("enabled", endpoint.isEnabled)
    }
}
