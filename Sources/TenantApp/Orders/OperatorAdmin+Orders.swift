import CallKit
import HTTPCore
import TenantRegistry

/// Orders and services of all resellers (O10).
extension OperatorAdmin {
    static let orders: [Route] = [
        Route(
            .get, "/orders", "List orders, newest first", access: .administrator,
            parameters: [.limit, .cursor] + AskedOrders.ofOrders, gives: .list(Schemas.order), refuses: [404]
        ) { call in
            let query = try call.query()
            return try AskedOrders.list(
                call, .orders(query), in: query.mode(or: call.book), .orders, Schemas.order)
        },
        Route(
            .get, "/orders.csv", "Export orders as CSV", access: .administrator, isOpenToSupport: false,
            parameters: AskedOrders.ofOrders, gives: .read(.file("text/csv")), refuses: [404]
        ) { call in
            let (asked, book) = (try AskedOrders.orders(try call.query()), try call.query().mode(or: call.book))
            return .flow { steps in
                let walk = try await SearchWalk(steps, .orders, below: .max) { try asked.filter($0, book: book) }
                return download(
                    "orders.csv", "text/csv; charset=utf-8", ExportOrders.stream(walk, steps, call.currency))
            }
        },
        Route(
            .get, "/orders/{id}", "Read an order", access: .administrator, parameters: [.mode],
            gives: .read(Schemas.orderWithServices)
        ) { call in
            let query = try call.query()
            return .read { tenant in
                guard let order = try tenant.order(publicID: call.parameters[0], resellerID: nil, book: nil) else {
                    throw Refusal.notFound(.order)
                }
                try query.mode(or: order.book).judgeRead(of: order.book)
                return try answer(order, tenant)
            }
        },
        Route(
            .post, "/orders/{id}/activate", "Carry a pending order out", access: .administrator, moves: .oneBook,
            idempotency: .accepted, parameters: [.mode], takes: Schemas.activation.schema,
            gives: .done(Schemas.orderWithServices), refuses: [409]
        ) { call in try decide(call, .activate(try call.read(Schemas.activation))) },
        Route(
            .post, "/orders/{id}/reject", "Reject a pending order", access: .administrator, moves: .oneBook,
            idempotency: .accepted, needsNoRoom: true, parameters: [.mode], takes: Schemas.rejection.schema,
            gives: .done(Schemas.orderWithServices), refuses: [409]
        ) { call in try decide(call, .reject(reason: try call.read(Schemas.rejection))) },
    ]

    /// The service that the path names, in either book.
    private static func named(_ call: Call, _ tenant: TenantReader) throws -> Service {
        guard let service = try tenant.service(publicID: call.parameters[0], resellerID: nil, book: nil) else {
            throw Refusal.notFound(.service)
        }
        return service
    }

    static let services: [Route] = readServices + changeServices + endServices

    private static let readServices: [Route] = [
        Route(
            .get, "/services", "List services, newest first; all but cancelled ones where no state is asked for",
            access: .administrator, parameters: [.limit, .cursor] + AskedOrders.ofServices,
            gives: .list(Schemas.service), refuses: [404]
        ) { call in
            let query = try call.query()
            return try AskedOrders.list(
                call, .services(query), in: query.mode(or: call.book), .services, Schemas.service)
        },
        Route(
            .get, "/services.csv", "Export services as CSV", access: .administrator, isOpenToSupport: false,
            parameters: AskedOrders.ofServices, gives: .read(.file("text/csv")), refuses: [404]
        ) { call in
            let (asked, book) = (try AskedOrders.services(try call.query()), try call.query().mode(or: call.book))
            return .flow { steps in
                let walk = try await SearchWalk(steps, .services, below: .max) { try asked.filter($0, book: book) }
                return download(
                    "services.csv", "text/csv; charset=utf-8", ExportOrders.stream(walk, steps, call.currency))
            }
        },
        Route(
            .get, "/services/{id}", "Read a service, with its details", access: .administrator,
            parameters: [.mode], gives: .read(Schemas.serviceWithDetails)
        ) { call in
            let query = try call.query()
            return .read { tenant in
                let service = try named(call, tenant)
                try query.mode(or: service.book).judgeRead(of: service.book)
                let known = try tenant.known(service, withSecrets: !call.known.role.isSupport)
                return .json(Schemas.serviceWithDetails, known, in: tenant.currency)
            }
        },
        Route(
            .get, "/services/{id}/charges", "List what a service was charged, newest period first",
            access: .administrator, parameters: .page(.mode), gives: .list(Schemas.charge)
        ) { call in
            let page = try Paging(call)
            let query = try call.query()
            return .read { tenant in
                let service = try named(call, tenant)
                try query.mode(or: service.book).judgeRead(of: service.book)
                let rows = try tenant.charges(of: service, below: page.before, limit: page.fetch)
                return page.answer(rows, id: \.period, Schemas.charge, in: tenant.currency)
            }
        },
    ]

    private static let changeServices: [Route] =
        [
            Route(
                .patch, "/services/{id}/details", "Change what a service's end customer needs, name by name",
                access: .administrator, moves: .oneBook, parameters: [.mode], takes: Schemas.detailsChange,
                gives: .done(Schemas.serviceWithDetails)
            ) { call in
                let change = ChangeServiceDetails(
                    serviceID: call.parameters[0], sent: try detailsSent(call),
                    callerBook: try call.query().mode(or: call.book))
                return .write { tenant, detail in
                    let service = try change.run(tenant, &detail)
                    return .json(Schemas.serviceWithDetails, try tenant.known(service), in: tenant.currency)
                }
            }
        ]
        + [ChangeService.Move.suspend, .resume].map { move in
            Route(
                .post, "/services/{id}/\(move.rawValue)", "\(move.rawValue.capitalized) a service",
                access: .administrator, moves: .oneBook, idempotency: .accepted, needsNoRoom: move == .suspend,
                parameters: [.mode], gives: .done(Schemas.service), refuses: [409]
            ) { call in try change(call, move, .now) }
        }

    private static let endServices: [Route] = [
        Route(
            .post, "/services/{id}/cancel", "Cancel a service, now or with its term", access: .administrator,
            moves: .oneBook, idempotency: .accepted, needsNoRoom: true, parameters: [.mode],
            takes: Schemas.cancellation.schema, gives: .done(Schemas.service), refuses: [409]
        ) { call in try change(call, .cancel, try call.read(Schemas.cancellation)) },
        Route(
            .delete, "/services/{id}/cancel", "Have a service renew after all that you had end with its term",
            access: .administrator, moves: .oneBook, parameters: [.mode], gives: .done(Schemas.service),
            refuses: [409]
        ) { call in try takeBackEnd(call) },
        Route(
            .post, "/services/reprice",
            "Change the price of services from their next period on; a lower one holds for what is owed too",
            access: .administrator, moves: .oneBook, parameters: [.mode], takes: Schemas.repricing.schema,
            gives: .done(Schemas.repricedServices), refuses: [404]
        ) { call in
            let (reseller, product, term, price, isDryRun) = try call.read(Schemas.repricing)
            let book = try call.query().mode(or: call.book)
            return .flow { steps in
                let filter = try await steps.read { tenant in
                    RepriceFilter(
                        resellerID: try tenant.resellerID(filter: reseller),
                        productID: try product.map {
                            guard let known = try tenant.product(sku: $0) else { throw Refusal.notFound(.product) }
                            return known.id
                        }, term: term, price: price, book: book)
                }
                let reprice = RepriceServices(filter: filter, keyID: call.keyID, isDryRun: isDryRun)
                let repriced = Schemas.Repriced(result: try await reprice.run(steps), isDryRun: isDryRun)
                return .answer(.json(Schemas.repricedServices, repriced, in: call.currency))
            }
        },
    ]

    private static func change(_ call: Call, _ move: ChangeService.Move, _ when: ChangeService.When) throws -> Work {
        let change = ChangeService(
            serviceID: call.parameters[0], move: move, when: when,
            callerBook: try call.query().mode(or: call.book), keyID: call.keyID)
        return .write { tenant, detail in
            let service = try change.run(tenant, &detail)
            return .json(Schemas.service, service, in: tenant.currency)
        }
    }

    private static func takeBackEnd(_ call: Call) throws -> Work {
        let takeBack = TakeBackEnd(
            serviceID: call.parameters[0], callerBook: try call.query().mode(or: call.book), keyID: call.keyID)
        return .write { tenant, detail in
            .json(Schemas.service, try takeBack.run(tenant, &detail), in: tenant.currency)
        }
    }

    private static func detailsSent(_ call: Call) throws -> JSON {
        var fields = try call.fields()
        let sent = fields.object("details")
        if sent?.memberNames.isEmpty == true {
            fields.fail("details", code: "required", detail: "must name at least one")
        }
        fields.expectNoOthers(than: ["details"])
        let json = sent == nil ? nil : fields.value("details")
        return try fields.finish(json)
    }

    private static func decide(_ call: Call, _ decision: DecideOrder.Decision) throws -> Work {
        let decide = DecideOrder(
            orderID: call.parameters[0], decision: decision, accountID: call.accountID, keyID: call.keyID,
            callerBook: try call.query().mode(or: call.book))
        return .write { tenant, detail in try answer(try decide.run(tenant, &detail), tenant) }
    }

    private static func answer(_ order: Order, _ tenant: TenantReader) throws -> Answer {
        .json(Schemas.orderWithServices, try tenant.known(order), in: tenant.currency)
    }
}

extension TenantReader {
    fileprivate func known(
        _ service: Service, withSecrets: Bool = true
    ) throws -> OperatorAdmin.Schemas.KnownService {
        let whole = try whole(service)
        return OperatorAdmin.Schemas.KnownService(
            whole: withSecrets ? whole : whole.withoutSecrets, terms: try terms(of: service))
    }

    func known(_ order: Order) throws -> OperatorAdmin.Schemas.KnownOrder {
        OperatorAdmin.Schemas.KnownOrder(
            order: order, money: try money(of: order, try services(ofOrder: order.id)),
            refunds: try refunds(ofOrder: order.id), hourly: try hourlyPrice(of: order))
    }
}
