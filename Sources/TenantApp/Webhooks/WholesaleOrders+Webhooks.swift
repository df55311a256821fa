import CallKit
import TenantRegistry

/// Where a reseller's events go, and what becomes of them (W6, H4). `/webhook` is the endpoint named `default`.
extension WholesaleOrders {
    static let webhooks: [Route] =
        [
            Route(
                .get, "/webhook", "Read where your events go", access: .reseller(.partnerRead),
                gives: .read(WebhookShapes.native.endpoint)
            ) { call in
                .read { tenant in
                    .json(WebhookShapes.native.endpoint, try call.defaultWebhook(tenant), in: tenant.currency)
                }
            },
            Route(
                .put, "/webhook", "Say where your events go", access: .reseller(.partnerOrder), moves: .oneBook,
                takes: Schemas.webhookRequest.schema, gives: .done(WebhookShapes.native.endpoint), refuses: [409]
            ) { call in
                let set = try call.read(Schemas.webhookRequest)
                return call.savingWebhook(set.url) { tenant, detail in
                    let endpoint = try set.run(tenant, resellerID: call.resellerID, book: call.book, &detail)
                    return .json(WebhookShapes.native.endpoint, try tenant.shown(endpoint), in: tenant.currency)
                }
            },
        ]
        + WebhookRoutes(
            .native, reads: .reseller(.partnerRead), writes: .reseller(.partnerOrder), events: EventType.wholesale
        ).all
}

extension Call {
    /// The reseller's endpoint named `default`.
    func defaultWebhook(_ tenant: TenantReader) throws -> ShownEndpoint {
        guard let endpoint = try tenant.defaultWebhook(resellerID: resellerID, book: book) else {
            throw Refusal.notFound(.webhook)
        }
        return try tenant.shown(endpoint)
    }
}
