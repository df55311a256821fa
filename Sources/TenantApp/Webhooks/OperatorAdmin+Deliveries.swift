import CallKit
import HTTPCore
import TenantRegistry

/// Webhook deliveries (O7).
extension OperatorAdmin {
    static let deliveries: [Route] = [
        Route(
            .get, "/deliveries", "List webhook deliveries", access: .administrator,
            parameters: AskedDeliveries.parameters(.native) + [.query("status"), .mode, Schemas.reseller],
            gives: .list(Schemas.delivery), refuses: [404]
        ) { call in
            let query = try call.query()
            let asked = try AskedDeliveries(query)
            let page = try DeliveryPage(call)
            let book = try query.mode(or: call.book)
            let reseller = try query.id("reseller")
            return .read { tenant in
                let filter = try asked.filter(
                    tenant, resellerID: try tenant.resellerID(filter: reseller), book: book)
                let rows = try tenant.deliveries(filter, before: page.before, limit: page.fetch)
                return page.answer(rows, Schemas.delivery, .native, in: tenant.currency)
            }
        },
        Route(
            .get, "/deliveries/{id}", "Read a webhook delivery and its last attempts", access: .administrator,
            gives: .read(Schemas.wholeDelivery)
        ) { call in
            .read { tenant in
                guard let delivery = try tenant.delivery(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.delivery)
                }
                return .json(Schemas.wholeDelivery, try tenant.whole(delivery), in: tenant.currency)
            }
        },
        Route(
            .post, "/deliveries/{id}/retry", "Deliver again", access: .administrator,
            gives: .done(Schemas.wholeDelivery), refuses: [409]
        ) { call in
            let retry = RetryDelivery(deliveryID: call.parameters[0])
            return .write { tenant, detail in
                let delivery = try retry.run(tenant, &detail)
                return .json(Schemas.wholeDelivery, try tenant.whole(delivery), in: tenant.currency)
            }
        },
        Route(
            .post, "/deliveries/replay", "Deliver again whatever a filter finds, or count it", access: .administrator,
            idempotency: .accepted, takes: Schemas.replay.schema, gives: .done(WebhookShapes.native.replayed),
            refuses: [404]
        ) { call in
            let (replay, reseller, mode) = try call.read(Schemas.replay)
            return call.replaying(replay, WebhookShapes.native.replayed) { tenant in
                try replay.asked.filter(
                    tenant, resellerID: try tenant.resellerID(filter: reseller), book: mode ?? call.book)
            }
        },
    ]
}
