import CallKit
import HTTPCore
import TenantRegistry

/// Where a reseller's events go, for those who do not want to poll (A8, H4).
extension ActivationCodes {
    static let webhook: [Route] =
        hooks.ofDefault(Schemas.webhookRequest) + [
            Route(
                .post, "/webhook/secret", "Get a new signing secret; the old one works on for a day, or as you say",
                access: .resellerSession, idempotency: .accepted, needsNoRoom: true,
                takes: WebhookBodies.rotation(.codes).schema, gives: .done(Schemas.newSecret)
            ) { call in
                let overlap = try call.read(WebhookBodies.rotation(.codes))
                return .write { tenant, detail in
                    let secret = try tenant.mintWebhookSecret(resellerID: call.resellerID, overlapSeconds: overlap)
                    detail.note("webhook_secret", "rotated")
                    let end = tenant.now.adding(seconds: overlap)
                    return .shownOnce(200) { json, isShown in
                        let rotated = WebhookBodies.Rotated(secret: isShown ? secret : nil, previousValidUntil: end)
                        Schemas.newSecret.write(rotated, in: tenant.currency, to: &json)
                    }
                }
            }
        ]
        + hooks.all

    private static let hooks = WebhookRoutes(
        .codes, reads: .reseller(.codes), writes: .reseller(.codes), events: EventType.codes)
}
