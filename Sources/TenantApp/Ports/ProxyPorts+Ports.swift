import CallKit
import HTTPCore
import TenantRegistry

/// Ports: buying, reading, rotating (X4, X5).
extension ProxyPorts {
    static let ports: [Route] = [
        Route(
            .post, "/reseller/ports", "Buy a port for a customer", access: .reseller(.portsWrite), moves: .oneBook,
            idempotency: .accepted, takes: Schemas.newPort.schema, gives: .made(Schemas.madePort), refuses: [409]
        ) { call in
            let create = CreatePort(
                request: try call.read(Schemas.newPort), resellerID: call.resellerID, book: call.book, keyID: call.keyID
            )
            return .write { tenant, detail in
                switch try create.run(tenant, &detail) {
                case .created(let port, let price, let password):
                    let priced = Schemas.PricedPort(
                        open: Schemas.OpenPort(port: port, password: password),
                        pricing: Schemas.Charged(cost: price.cost, price: price.resellerPrice, margin: price.margin))
                    var answer = Answer.json(201, Schemas.madePort, priced, in: tenant.currency)
                    answer.isSecret = true
                    return answer
                case .quotaExceeded(let customer):
                    // Ports whose time was up stay given back.
                    return .keeping(.conflict(.customerQuotaExceeded(customer)))
                }
            }
        },
        Route(
            .get, "/reseller/ports", "List ports, newest first", access: .reseller(.portsRead),
            parameters: .page(.query("status", .choice(PortState.self)), .query("customerId")),
            gives: Schemas.list("ports", Schemas.listedPort)
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let state = try query.choice("status", as: PortState.self)
            let customerID = try query.id("customerId")
            return .read { tenant in
                let customer = try customerID.map {
                    try tenant.knownPortCustomer($0, resellerID: call.resellerID, book: call.book).id
                }
                let rows = try tenant.ports(
                    resellerID: call.resellerID, book: call.book, customer: customer, state: state,
                    before: page.before, limit: page.fetch)
                return try list("ports", rows, page, id: \.id) { port, json in
                    Schemas.listedPort.write(try tenant.priced(port), in: tenant.currency, to: &json)
                }
            }
        },
        Route(
            .get, "/reseller/ports/{id}", "Read a port", access: .reseller(.portsRead), gives: .read(Schemas.readPort)
        ) { call in
            .read { tenant in
                let port = try tenant.knownPort(call.parameters[0], resellerID: call.resellerID, book: call.book)
                return .json(Schemas.readPort, try tenant.priced(port), in: tenant.currency)
            }
        },
        Route(
            .post, "/reseller/ports/{id}/rotate", "Move a port to another device", access: .reseller(.portsWrite),
            moves: .oneBook,
            idempotency: .accepted, gives: .done(Schemas.rotatedPort), refuses: [409]
        ) { call in
            let rotate = RotatePort(portID: call.parameters[0], resellerID: call.resellerID, book: call.book)
            return .write { tenant, detail in
                let port = try rotate.run(tenant, &detail)
                let open = Schemas.OpenPort(port: port, password: try tenant.password(of: port))
                // Rotating makes nothing: 200.
                var answer = Answer.json(Schemas.rotatedPort, open, in: tenant.currency)
                answer.isSecret = true
                return answer
            }
        },
        Route(
            .post, "/reseller/ports/{id}/renew", "Give a port more days before its end", access: .reseller(.portsWrite),
            moves: .oneBook, idempotency: .accepted, takes: Schemas.renewal.schema, gives: .done(Schemas.madePort),
            refuses: [409]
        ) { call in
            let renew = RenewPort(
                portID: call.parameters[0], days: try call.read(Schemas.renewal), resellerID: call.resellerID,
                book: call.book, keyID: call.keyID)
            return .write { tenant, detail in
                let (port, price) = try renew.run(tenant, &detail)
                let priced = Schemas.PricedPort(
                    open: Schemas.OpenPort(port: port, password: try tenant.password(of: port)),
                    pricing: Schemas.Charged(cost: price.cost, price: price.resellerPrice, margin: price.margin))
                // It makes no new port: 200.
                var answer = Answer.json(Schemas.madePort, priced, in: tenant.currency)
                answer.isSecret = true
                return answer
            }
        },
    ]
}

extension TenantReader {
    /// The port with its password and what it was sold for.
    fileprivate func priced(_ port: Port) throws -> ProxyPorts.Schemas.PricedPort {
        ProxyPorts.Schemas.PricedPort(
            open: ProxyPorts.Schemas.OpenPort(port: port, password: try password(of: port)),
            pricing: ProxyPorts.Schemas.Charged(
                cost: port.cost, price: port.resellerPrice, margin: port.margin))
    }
}
