import CallKit
import HTTPCore
import TenantRegistry

/// Ports: buying, reading, rotating (X4, X5).
extension ProxyPorts {
    static let ports: [Route] = [
        Route(
            .post, "/reseller/ports", "Buy a port for a customer", access: .reseller(.portsWrite),
            idempotency: .accepted, takes: Schemas.newPort, gives: .made(Schemas.madePort), refuses: [409]
        ) { call in
            let create = CreatePort(
                request: try request(call), resellerID: call.resellerID, book: call.book, keyID: call.keyID)
            return .write { tenant, detail in
                switch try create.run(tenant, &detail) {
                case .created(let port, let price, let password):
                    var answer = Answer.json(201) { json in
                        json.object("port") { json in encode(port, password: password, &json) }
                        json.object("pricing") { json in
                            encode(price.cost, price.resellerPrice, price.margin, tenant, &json)
                        }
                    }
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
            let page = try Paging(query)
            let state = try query.choice("status", as: PortState.self)
            let customerID = query["customerId"]
            return .read { tenant in
                let customer = try customerID.map {
                    try tenant.knownPortCustomer($0, resellerID: call.resellerID, book: call.book).id
                }
                let rows = try tenant.ports(
                    resellerID: call.resellerID, book: call.book, customer: customer, state: state,
                    before: page.before, limit: page.fetch)
                return try list("ports", rows, page, id: \.id) { port, json in try describe(port, tenant, &json) }
            }
        },
        Route(
            .get, "/reseller/ports/{id}", "Read a port", access: .reseller(.portsRead), gives: .read(Schemas.readPort)
        ) { call in
            .read { tenant in
                let port = try tenant.knownPort(call.parameters[0], resellerID: call.resellerID, book: call.book)
                return try .json { json in
                    try json.object("port") { json in try details(port, tenant, &json) }
                    try pricing(port, tenant, &json)
                }
            }
        },
        Route(
            .post, "/reseller/ports/{id}/rotate", "Move a port to another device", access: .reseller(.portsWrite),
            idempotency: .accepted, gives: .done(Schemas.rotatedPort), refuses: [409]
        ) { call in
            let rotate = RotatePort(portID: call.parameters[0], resellerID: call.resellerID, book: call.book)
            return .write { tenant, detail in
                let port = try rotate.run(tenant, &detail)
                let password = try tenant.password(of: port)
                // Rotating makes nothing: 200.
                var answer = Answer.json(200) { json in
                    json.object("port") { json in encode(port, password: password, &json) }
                }
                answer.isSecret = true
                return answer
            }
        },
    ]

    private static func request(_ call: Call) throws -> CreatePort.Request {
        var fields = try call.fields()
        let customerID = fields.string("customerId", characters: 1...100)
        let countryID = fields.string("countryId", characters: 1...100)
        let cityID = fields.optionalString("cityId", characters: 1...100)
        let carrierID = fields.optionalString("carrierId", characters: 1...100)
        let days = fields.integer("days", in: 1...PricePort.daysMax)
        let isExclusive = fields.optionalBool("exclusive") ?? false
        let isPrivate = fields.optionalBool("isPrivate") ?? false
        try fields.finish()
        guard let customerID, let countryID, let days else { throw Refusal.defect }
        var request = CreatePort.Request(customerID: customerID, countryID: countryID, days: days)
        request.cityID = cityID
        request.carrierID = carrierID
        request.isExclusive = isExclusive
        request.isPrivate = isPrivate
        return request
    }

    /// A port as the product document shows it.
    private static func encode(_ port: Port, password: String, _ json: inout JSONWriter) {
        json.field("_id", port.publicID)
        json.field("displayName", port.displayName)
        json.field("httpPort", port.httpPort)
        json.field("socksPort", port.socksPort)
        json.field("proxyLogin", port.login)
        json.field("proxyPassword", password)
        json.field("serverIp", port.serverIP)
        json.field("expiresAt", port.expiresAt.milliseconds)
    }

    private static func details(_ port: Port, _ tenant: TenantReader, _ json: inout JSONWriter) throws {
        encode(port, password: try tenant.password(of: port), &json)
        json.field("customerId", port.customerPublicID)
        json.field("countryId", port.countryPublicID)
        json.field("cityId", port.city)
        json.field("carrierId", port.carrier)
        json.field("exclusive", port.isExclusive)
        json.field("isPrivate", port.isPrivate)
        json.field("status", port.state.rawValue)
        json.field("createdAt", port.createdAt.milliseconds)
    }

    /// A row of the list: the port with its pricing.
    private static func describe(_ port: Port, _ tenant: TenantReader, _ json: inout JSONWriter) throws {
        try details(port, tenant, &json)
        try pricing(port, tenant, &json)
    }

    private static func pricing(_ port: Port, _ tenant: TenantReader, _ json: inout JSONWriter) throws {
        let margin = try port.resellerPrice.subtracting(port.cost)
        json.object("pricing") { json in encode(port.cost, port.resellerPrice, margin, tenant, &json) }
    }

    private static func encode(
        _ cost: Money, _ price: Money, _ margin: Money, _ tenant: TenantReader, _ json: inout JSONWriter
    ) {
        json.field("costToReseller", raw: tenant.decimal(cost))
        json.field("resellerPrice", raw: tenant.decimal(price))
        json.field("margin", raw: tenant.decimal(margin))
    }
}
