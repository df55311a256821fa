import CallKit
import HTTPCore
import TenantRegistry

/// Where a reseller's events go, for those who do not want to poll (A8, H4).
extension ActivationCodes {
    static let webhook: [Route] =
        [
            Route(
                .get, "/webhook", "Read where your events go", access: .reseller(.codes),
                gives: .read(WebhookShapes.codes.endpoint)
            ) { call in
                .read { tenant in
                    .json(WebhookShapes.codes.endpoint, try call.defaultWebhook(tenant), in: tenant.currency)
                }
            },
            Route(
                .put, "/webhook", "Say where your events go", access: .reseller(.codes), moves: .oneBook,
                takes: Schemas.webhookRequest.schema, gives: .done(WebhookShapes.codes.endpoint), refuses: [409]
            ) { call in
                let set = try call.read(Schemas.webhookRequest)
                return call.savingWebhook(set.url) { tenant, detail in
                    let endpoint = try set.run(tenant, resellerID: call.resellerID, book: call.book, &detail)
                    return .json(WebhookShapes.codes.endpoint, try tenant.shown(endpoint), in: tenant.currency)
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
        + WebhookRoutes(.codes, reads: .reseller(.codes), writes: .reseller(.codes), events: EventType.codes).all
}
