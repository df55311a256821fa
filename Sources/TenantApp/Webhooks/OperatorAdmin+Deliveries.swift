import CallKit
import HTTPCore
import TenantRegistry

/// Webhook deliveries (O7).
extension OperatorAdmin {
    static let deliveries: [Route] = [
        Route(
            .get, "/deliveries", "List webhook deliveries", access: .administrator,
            parameters: .page(.query("status", .choice(DeliveryState.self)), .mode, Schemas.reseller),
            gives: .list(Schemas.delivery), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            let state = try query.choice("status", as: DeliveryState.self)
            let book = try query.mode(or: call.book)
            let reseller = query["reseller"]
            return .read { tenant in
                let rows = try tenant.deliveries(
                    resellerID: try tenant.resellerID(filter: reseller), book: book, state: state, before: page.before,
                    limit: page.fetch)
                return page.answer(rows, id: \.id) { delivery, json in encode(delivery, &json) }
            }
        },
        Route(
            .get, "/deliveries/{id}", "Read a webhook delivery", access: .administrator, gives: .read(Schemas.delivery)
        ) { call in
            .read { tenant in
                guard let delivery = try tenant.delivery(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.delivery)
                }
                return .json { json in encode(delivery, &json) }
            }
        },
        Route(
            .post, "/deliveries/{id}/retry", "Deliver again", access: .administrator, gives: .done(Schemas.delivery),
            refuses: [409]
        ) { call in
            let retry = RetryDelivery(deliveryID: call.parameters[0])
            return .write { tenant, detail in
                let delivery = try retry.run(tenant, &detail)
                return .json { json in encode(delivery, &json) }
            }
        },
    ]

    private static func encode(_ delivery: Delivery, _ json: inout JSONWriter) {
        json.field("id", delivery.publicID)
        json.field("event", delivery.eventPublicID)
        json.field("type", delivery.type.rawValue)
        json.field("mode", delivery.book.name)
        json.field("reseller", delivery.resellerPublicID)
        json.field("webhook", delivery.endpointPublicID)
        json.field("url", delivery.url)
        json.field("status", delivery.state.rawValue)
        json.field("attempts", delivery.attempts)
        json.field("created_at", delivery.createdAt.text)
        json.field("next_attempt_at", delivery.nextAt?.text)
        json.field("expires_at", delivery.expiresAt.text)
        json.field("last_response_code", delivery.lastStatus)
        json.field("last_response_body", delivery.lastBody)
        json.field("updated_at", delivery.updatedAt.text)
    }
}
