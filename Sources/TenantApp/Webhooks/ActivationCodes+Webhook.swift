import CallKit
import HTTPCore
import TenantRegistry

/// Where a reseller's events go, for those who do not want to poll (A8, H4).
extension ActivationCodes {
    static let webhook: [Route] =
        hooks.ofDefault(Schemas.webhookRequest) + [
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
            }
        ]
        + hooks.all

    private static let hooks = WebhookRoutes(
        .codes, reads: .reseller(.codes), writes: .reseller(.codes), events: EventType.codes)
}
