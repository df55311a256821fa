import CallKit
import HTTPCore
import TenantRegistry

/// Quotes, orders and what came of them (W4, W5, W6).
extension WholesaleOrders {
    static let orders: [Route] = [
        Route(
            .post, "/orders", "Place an order", access: .reseller(.partnerOrder), moves: .oneBook,
            idempotency: .required,
            signedBy: { try $0.webhookSecrets(resellerID: $1) }, takes: Schemas.orderRequest.schema,
            gives: .made(Schemas.placed), refuses: [409]
        ) {
            call in
            let request = try call.read(Schemas.orderRequest)
            let caller = call.known
            let place = PlaceOrder(
                request: request, resellerID: call.resellerID, book: call.book, keyID: caller.projection.keyID,
                idempotencyKey: call.idempotencyKey?.text)
            return .write { tenant, detail in
                let result = try place.run(tenant, &detail)
                let placed = Schemas.Placed(request: request, result: result, at: tenant.now)
                return .json(201, Schemas.placed, placed, in: tenant.currency)
            }
        },
        Route(
            .post, "/orders/quote", "Price an order; nothing is written", access: .reseller(.partnerRead),
            moves: .nothing,
            takes: Schemas.orderRequest.schema, gives: .read(Schemas.quote), refuses: [409]
        ) { call in
            let request = try call.read(Schemas.orderRequest)
            let quote = QuoteOrder(request: request, resellerID: call.resellerID, book: call.book)
            return .read { tenant in
                let result = try quote.run(tenant)
                let quoted = Schemas.Quoted(request: request, price: result.price)
                return .json(Schemas.quote, quoted, in: tenant.currency)
            }
        },
        Route(
            .get, "/orders", "List orders, newest first", access: .reseller(.partnerRead),
            parameters: AskedOrders.ofOwnOrders, gives: .list(Schemas.order)
        ) { call in
            try AskedOrders.list(
                call, .ownOrders(try call.query()), of: call.resellerID, in: call.readBook(), .orders, Schemas.order)
        },
        Route(
            .get, "/orders/{id}", "Read an order", access: .reseller(.partnerRead),
            parameters: [.mode], gives: .read(Schemas.orderWithServices)
        ) { call in
            let book = try call.readBook()
            return .read { tenant in
                guard
                    let order = try tenant.order(
                        publicID: call.parameters[0], resellerID: call.resellerID, book: book)
                else { throw Refusal.notFound(.order) }
                return .json(Schemas.orderWithServices, try tenant.whole(order), in: tenant.currency)
            }
        },
        Route(
            .get, "/services", "List services, newest first; all but cancelled ones where no status is asked for",
            access: .reseller(.partnerRead), parameters: AskedOrders.ofOwnServices, gives: .list(Schemas.service),
            refuses: [404]
        ) { call in
            try AskedOrders.list(
                call, .ownServices(try call.query()), of: call.resellerID, in: call.readBook(), .services,
                Schemas.service)
        },
        Route(
            .get, "/services/{id}", "Read a service, with its details", access: .reseller(.partnerRead),
            parameters: [.mode], gives: .read(Schemas.serviceWithDetails)
        ) { call in
            let book = try call.readBook()
            return .read { tenant in
                guard
                    let service = try tenant.service(
                        publicID: call.parameters[0], resellerID: call.resellerID, book: book)
                else { throw Refusal.notFound(.service) }
                return .json(Schemas.serviceWithDetails, try tenant.whole(service), in: tenant.currency)
            }
        },
    ]
}

extension TenantReader {
    func whole(_ order: Order) throws -> WholesaleOrders.Schemas.WholeOrder {
        WholesaleOrders.Schemas.WholeOrder(
            order: order, services: try services(ofOrder: order.id), refunds: try refunds(ofOrder: order.id),
            hourly: try hourlyPrice(of: order))
    }

    /// With its details, opened: for the answer to its reseller or operator and nothing else.
    func whole(_ service: Service) throws -> WholesaleOrders.Schemas.WholeService {
        WholesaleOrders.Schemas.WholeService(
            service: service, provisioning: try provisioning(ofService: service.id)?.state.shown,
            details: try details(ofService: service.id))
    }
}

extension WholesaleOrders.Schemas.WholeService {
    /// As support sees it (O13).
    var withoutSecrets: Self { Self(service: service, provisioning: provisioning, details: details?.withoutSecrets) }
}
