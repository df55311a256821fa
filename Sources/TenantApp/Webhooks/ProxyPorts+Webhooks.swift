import CallKit
import HTTPCore
import TenantRegistry

/// Where a reseller's events go (X6): open to any key of the reseller.
extension ProxyPorts {
    static let webhooks: [Route] = [
        Route(
            .post, "/reseller/webhooks", "Subscribe to events", access: .reseller([]), idempotency: .accepted,
            takes: Schemas.newWebhook, gives: .made(Schemas.madeWebhook), refuses: [409]
        ) {
            call in
            var fields = try call.fields()
            let name = fields.string("name", characters: 1...100)
            let url = fields.webhookURL("url")
            let events = fields.events("events", allowed: EventType.ports.map(\.rawValue))
            try fields.finish()
            guard let name, let url, let events else { throw Refusal.defect }
            return .write { tenant, detail in
                let known = try tenant.namedWebhookEndpoints(resellerID: call.resellerID, book: call.book)
                guard known.count < webhookEndpointsMax else {
                    throw Refusal.conflict(.tooManyWebhooks(webhookEndpointsMax))
                }
                let made = try tenant.insertWebhookEndpoint(
                    name: name, url: url, events: events, resellerID: call.resellerID, book: call.book)
                detail.note("webhook", made.endpoint.publicID)
                return .shownOnce(201) { json, isShown in
                    encode(made.endpoint, &json)
                    if isShown { json.field("secret", made.secret) }
                }
            }
        },
        Route(.get, "/reseller/webhooks", "List webhooks", access: .reseller([]), gives: .read(Schemas.webhooks)) {
            call in
            .read { tenant in
                let rows = try tenant.namedWebhookEndpoints(resellerID: call.resellerID, book: call.book)
                return .json { json in
                    json.array("webhooks") { json in
                        for endpoint in rows { json.object { json in encode(endpoint, &json) } }
                    }
                }
            }
        },
        Route(
            .delete, "/reseller/webhooks/{id}", "Remove a webhook", access: .reseller([]),
            gives: .done(Schemas.removedWebhook)
        ) { call in
            .write { tenant, detail in
                let endpoint = try tenant.knownWebhookEndpoint(
                    call.parameters[0], resellerID: call.resellerID, book: call.book)
                try tenant.removeWebhookEndpoint(endpoint)
                detail.note("webhook", endpoint.publicID)
                return .json { json in
                    json.field("_id", endpoint.publicID)
                    json.field("deleted", true)
                }
            }
        },
        Route(
            .post, "/reseller/webhooks/{id}/test", "Send a test event to a webhook", access: .reseller([]),
            gives: .made(Schemas.testSent)
        ) { call in
            .write { tenant, detail in
                let endpoint = try tenant.knownWebhookEndpoint(
                    call.parameters[0], resellerID: call.resellerID, book: call.book)
                let event = try tenant.insertEvent(.webhookTest, resellerID: call.resellerID, book: call.book) { json in
                    json.field("webhookId", endpoint.publicID)
                    json.field("name", endpoint.name)
                }
                let delivery = try tenant.insertDelivery(ofEvent: event.id, to: endpoint.id)
                detail.note("webhook", endpoint.publicID)
                detail.note("delivery", delivery)
                return .json(201) { json in
                    json.field("eventId", event.publicID)
                    json.field("deliveryId", delivery)
                    json.field("type", EventType.webhookTest.rawValue)
                    json.field("status", DeliveryState.pending.rawValue)
                }
            }
        },
    ]

    private static func encode(_ endpoint: NamedWebhookEndpoint, _ json: inout JSONWriter) {
        json.field("_id", endpoint.publicID)
        json.field("name", endpoint.name)
        json.field("url", endpoint.url)
        json.array("events") { json in for event in endpoint.events { json.element(event) } }
        json.field("isActive", endpoint.isEnabled)
        json.field("createdAt", endpoint.createdAt.milliseconds)
    }
}
