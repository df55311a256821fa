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
            let page = try Paging(call)
            let state = try query.choice("status", as: DeliveryState.self)
            let book = try query.mode(or: call.book)
            let reseller = try query.id("reseller")
            return .read { tenant in
                var filter = DeliveryFilter(book: book, resellerID: try tenant.resellerID(filter: reseller))
                filter.states = state.map { [$0] } ?? []
                let rows = try tenant.deliveries(filter, before: .newest, limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.delivery, in: tenant.currency)
            }
        },
        Route(
            .get, "/deliveries/{id}", "Read a webhook delivery", access: .administrator, gives: .read(Schemas.delivery)
        ) { call in
            .read { tenant in
                guard let delivery = try tenant.delivery(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.delivery)
                }
                return .json(Schemas.delivery, delivery, in: tenant.currency)
            }
        },
        Route(
            .post, "/deliveries/{id}/retry", "Deliver again", access: .administrator, gives: .done(Schemas.delivery),
            refuses: [409]
        ) { call in
            let retry = RetryDelivery(deliveryID: call.parameters[0])
            return .write { tenant, detail in
                let delivery = try retry.run(tenant, &detail)
                return .json(Schemas.delivery, delivery, in: tenant.currency)
            }
        },
    ]
}
