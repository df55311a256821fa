import CallKit
import HTTPCore
import TenantRegistry

/// Where a reseller's events go, for those who do not want to poll (A8).
extension ActivationCodes {
    static let webhook: [Route] = [
        Route(.get, "/webhook", "Read where your events go", access: .reseller(.codes), gives: .read(Schemas.webhook)) {
            call in
            .read { tenant in
                guard let endpoint = try tenant.webhookEndpoints(resellerID: call.resellerID, book: call.book).first
                else { throw Refusal.notFound(.webhook) }
                return .json(Schemas.webhook, endpoint, in: tenant.currency)
            }
        },
        Route(
            .put, "/webhook", "Say where your events go", access: .reseller(.codes),
            takes: Schemas.webhookRequest.schema,
            gives: .done(Schemas.webhook)
        ) { call in
            let (url, events) = try call.read(Schemas.webhookRequest)
            return .write { tenant, detail in
                try tenant.setWebhookEndpoint(url: url, events: events, resellerID: call.resellerID, book: call.book)
                guard let endpoint = try tenant.webhookEndpoints(resellerID: call.resellerID, book: call.book).first
                else { throw Refusal.defect }
                detail.note("webhook", endpoint.publicID)
                return .json(Schemas.webhook, endpoint, in: tenant.currency)
            }
        },
        Route(
            .post, "/webhook/secret", "Get a new signing secret; the old one works on for a day",
            access: .resellerSession, gives: .done(Schemas.newSecret)
        ) { call in
            .write { tenant, detail in
                let secret = try tenant.mintWebhookSecret(resellerID: call.resellerID)
                detail.note("webhook_secret", "rotated")
                return .json(Schemas.newSecret, secret, in: tenant.currency)
            }
        },
    ]
}
