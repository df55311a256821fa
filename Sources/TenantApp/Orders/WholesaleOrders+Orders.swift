import CallKit
package import HTTPCore
package import TenantRegistry

/// Quotes, orders and what came of them (W4, W5, W6).
extension WholesaleOrders {
    static let orders: [Route] = [
        Route(
            .post, "/orders", "Place an order", access: .reseller(.partnerOrder), idempotency: .required,
            signedBy: { try $0.webhookSecrets(resellerID: $1) }, takes: Schemas.orderRequest,
            gives: .made(Schemas.placed), refuses: [409]
        ) {
            call in
            let request = try orderRequest(call)
            let caller = call.known
            let place = PlaceOrder(
                request: request, resellerID: call.resellerID, book: call.book, keyID: caller.projection.keyID,
                idempotencyKey: call.idempotencyKey?.text)
            return .write { tenant, detail in
                let result = try place.run(tenant, &detail)
                return .json(201) { json in
                    json.object("order") { json in
                        json.field("id", result.orderID)
                        json.field("state", result.state.rawValue)
                        json.field("product", request.sku)
                        json.field("term", request.term.rawValue)
                        json.field("quantity", request.quantity)
                        json.field("customer_external_id", request.customerExternalID)
                        json.field("created_at", tenant.now.text)
                    }
                    json.array("services") { json in
                        for id in result.serviceIDs {
                            json.object { json in
                                json.field("id", id)
                                json.field("status", result.state == .completed ? "active" : "pending")
                            }
                        }
                    }
                    write(result.price, tenant, &json)
                }
            }
        },
        Route(
            .post, "/orders/quote", "Price an order; nothing is written", access: .reseller(.partnerRead),
            takes: Schemas.orderRequest, gives: .read(Schemas.quote), refuses: [409]
        ) { call in
            let request = try orderRequest(call)
            let quote = QuoteOrder(request: request, resellerID: call.resellerID, book: call.book)
            return .read { tenant in
                let result = try quote.run(tenant)
                return .json { json in
                    json.field("product", request.sku)
                    json.field("term", request.term.rawValue)
                    json.field("quantity", request.quantity)
                    write(result.price, tenant, &json)
                }
            }
        },
        Route(
            .get, "/orders", "List orders", access: .reseller(.partnerRead),
            parameters: .page(.query("state", .choice(OrderState.self))), gives: .list(Schemas.order)
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            let state = try query.choice("state", as: OrderState.self)
            return .read { tenant in
                let rows = try tenant.orders(
                    resellerID: call.resellerID, book: call.book, state: state, before: page.before, limit: page.fetch)
                return page.answer(rows, id: \.id) { order, json in encode(order, tenant, &json) }
            }
        },
        Route(
            .get, "/orders/{id}", "Read an order", access: .reseller(.partnerRead),
            gives: .read(Schemas.orderWithServices)
        ) { call in
            .read { tenant in
                guard
                    let order = try tenant.order(
                        publicID: call.parameters[0], resellerID: call.resellerID, book: call.book)
                else { throw Refusal.notFound(.order) }
                let services = try tenant.services(ofOrder: order.id)
                return .json { json in
                    encode(order, tenant, &json)
                    json.array("services") { json in
                        for service in services { json.object { json in encode(service, tenant, &json) } }
                    }
                }
            }
        },
        Route(
            .get, "/services", "List services", access: .reseller(.partnerRead),
            parameters: .page(.query("status", .choice(ServiceState.self))), gives: .list(Schemas.service)
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            let state = try query.choice("status", as: ServiceState.self)
            return .read { tenant in
                let rows = try tenant.services(
                    resellerID: call.resellerID, book: call.book, state: state, before: page.before, limit: page.fetch)
                return page.answer(rows, id: \.id) { service, json in encode(service, tenant, &json) }
            }
        },
        Route(.get, "/services/{id}", "Read a service", access: .reseller(.partnerRead), gives: .read(Schemas.service))
        { call in
            .read { tenant in
                guard
                    let service = try tenant.service(
                        publicID: call.parameters[0], resellerID: call.resellerID, book: call.book)
                else { throw Refusal.notFound(.service) }
                return .json { json in encode(service, tenant, &json) }
            }
        },
    ]

    private static func orderRequest(_ call: Call) throws -> OrderRequest {
        var fields = try call.fields()
        let sku = fields.string("product", characters: 1...64)
        let term = fields.choice("term", as: Term.self)
        let quantity = fields.integer("quantity", in: 1...OrderRequest.quantityMax)
        var customer = fields.object("customer")
        let externalID = customer?.string("external_id", characters: 1...128)
        let email = customer?.optionalEmail("email")
        let name = customer?.optionalString("name", characters: 1...200)
        if let customer { fields.absorb(customer) }
        try fields.finish()
        guard let sku, let term, let quantity, let externalID else { throw Refusal.defect }
        return OrderRequest(
            sku: sku, term: term, quantity: quantity, customerExternalID: externalID, customerEmail: email ?? nil,
            customerName: name ?? nil)
    }

    private static func write(_ price: OrderPrice, _ tenant: TenantReader, _ json: inout JSONWriter) {
        json.field("line_total", tenant.decimal(price.line))
        json.field("setup_total", tenant.decimal(price.setup))
        json.field("wholesale_total", tenant.decimal(price.total))
        json.field("currency", tenant.currency.code)
    }

    /// An order as the native APIs show it; the operator's too.
    package static func encode(_ order: Order, _ tenant: TenantReader, _ json: inout JSONWriter) {
        json.field("id", order.publicID)
        json.field("state", order.state.rawValue)
        json.field("product", order.sku)
        json.field("term", order.term.rawValue)
        json.field("quantity", order.quantity)
        json.field("customer_external_id", order.customerExternalID)
        json.field("line_total", tenant.decimal(order.lineTotal))
        json.field("setup_total", tenant.decimal(order.setupTotal))
        json.field("wholesale_total", tenant.decimal(order.total))
        json.field("currency", tenant.currency.code)
        json.field("created_at", order.createdAt.text)
        json.field("decided_at", order.decidedAt?.text)
    }

    package static func encode(_ service: Service, _ tenant: TenantReader, _ json: inout JSONWriter) {
        json.field("id", service.publicID)
        json.field("order_id", service.orderPublicID)
        json.field("product", service.sku)
        json.field("status", service.state.rawValue)
        json.field("term", service.term.rawValue)
        json.field("customer_external_id", service.customerExternalID)
        json.field("created_at", service.createdAt.text)
        json.field("activated_at", service.activatedAt?.text)
        json.field("renews_at", service.renewsAt?.text)
        json.field("ends_at", service.endsAt?.text)
    }
}
