import CallKit
import HTTPCore
import TenantRegistry

/// Where a reseller's events go, for those who do not want to poll (A8).
extension ActivationCodes {
    static let webhook: [Route] = [
        Route(.get, "/webhook", "Read where your events go", access: .reseller(.codes), gives: .read(Schemas.webhook)) {
            call in
            .read { tenant in
                guard let endpoint = try tenant.defaultWebhook(resellerID: call.resellerID, book: call.book) else {
                    throw Refusal.notFound(.webhook)
                }
                return .json(Schemas.webhook, endpoint, in: tenant.currency)
            }
        },
        Route(
            .put, "/webhook", "Say where your events go", access: .reseller(.codes), moves: .oneBook,
            takes: Schemas.webhookRequest.schema,
            gives: .done(Schemas.webhook)
        ) { call in
            let (url, events) = try call.read(Schemas.webhookRequest)
            return .write { tenant, detail in
                let endpoint = try SetDefaultWebhook(url: url, events: events).run(
                    tenant, resellerID: call.resellerID, book: call.book, &detail)
                return .json(Schemas.webhook, endpoint, in: tenant.currency)
            }
        },
        Route(
            .post, "/webhook/secret", "Get a new signing secret; the old one works on for a day, or as you say",
            access: .resellerSession, takes: WebhookBodies.rotation.schema, gives: .done(Schemas.newSecret)
        ) { call in
            let overlap = try call.read(WebhookBodies.rotation)
            return .write { tenant, detail in
                let secret = try tenant.mintWebhookSecret(resellerID: call.resellerID, overlapSeconds: overlap)
                detail.note("webhook_secret", "rotated")
                let rotated = WebhookBodies.Rotated(
                    secret: secret, previousValidUntil: tenant.now.adding(seconds: overlap))
                return .json(Schemas.newSecret, rotated, in: tenant.currency)
            }
        },
    ]
}
