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
                return .json { json in encode(endpoint, &json) }
            }
        },
        Route(
            .put, "/webhook", "Say where your events go", access: .reseller(.codes), takes: Schemas.webhookRequest,
            gives: .done(Schemas.webhook)
        ) { call in
            var fields = try call.fields()
            let url = fields.webhookURL("url")
            let events =
                fields.has("events")
                ? fields.events("events", allowed: EventType.codes.map(\.rawValue)) : [EventType.codeRedeemed.rawValue]
            try fields.finish()
            guard let url, let events else { throw Refusal.defect }
            return .write { tenant, detail in
                try tenant.setWebhookEndpoint(url: url, events: events, resellerID: call.resellerID, book: call.book)
                guard let endpoint = try tenant.webhookEndpoints(resellerID: call.resellerID, book: call.book).first
                else { throw Refusal.defect }
                detail.note("webhook", endpoint.publicID)
                return .json { json in encode(endpoint, &json) }
            }
        },
        Route(
            .post, "/webhook/secret", "Get a new signing secret; the old one works on for a day",
            access: .resellerSession, gives: .done(Schemas.newSecret)
        ) { call in
            .write { tenant, detail in
                let secret = try tenant.mintWebhookSecret(resellerID: call.resellerID)
                detail.note("webhook_secret", "rotated")
                return .json { json in
                    json.field("ok", true)
                    json.field("secret", secret)
                }
            }
        },
    ]

    private static func encode(_ endpoint: WebhookEndpoint, _ json: inout JSONWriter) {
        json.field("ok", true)
        json.field("url", endpoint.url)
        json.array("events") { json in for event in endpoint.events { json.element(event) } }
        json.field("enabled", endpoint.isEnabled)
    }
}
