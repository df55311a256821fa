import CallKit
import HTTPCore
import TenantRegistry

/// End customers of all resellers, as far as wholesale orders made them (O11).
extension OperatorAdmin {
    static let customers: [Route] = [
        Route(
            .get, "/customers", "List end customers", access: .administrator,
            parameters: .page(.mode, Schemas.reseller, .search), gives: .list(Schemas.customer), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let book = try query.mode(or: call.book)
            let reseller = try query.id("reseller")
            let text = try query.search()
            return .read { tenant in
                let rows = try tenant.customers(
                    resellerID: try tenant.resellerID(filter: reseller), book: book, beginning: text, after: page.after,
                    limit: page.fetch)
                var names: [Int64: String] = [:]
                for id in Set(rows.map(\.resellerID)) { names[id] = try tenant.reseller(id: id)?.publicID }
                let owned = rows.map { Schemas.OwnedCustomer(customer: $0, reseller: names[$0.resellerID]) }
                return page.answer(owned, id: \.customer.id, Schemas.customer, in: tenant.currency)
            }
        },
        Route(
            .get, "/customers/{id}", "Read an end customer", access: .administrator, parameters: [.mode],
            gives: .read(Schemas.customer)
        ) { call in
            let query = try call.query()
            return .read { tenant in
                let customer = try tenant.knownCustomer(call.parameters[0])
                try query.mode(or: customer.book).judgeRead(of: customer.book)
                return try answer(customer, tenant)
            }
        },
        Route(
            .patch, "/customers/{id}", "Change an end customer's address or name", access: .administrator,
            moves: .oneBook, parameters: [.mode], takes: Schemas.customerChange.schema, gives: .done(Schemas.customer)
        ) { call in
            let (email, name) = try call.read(Schemas.customerChange)
            let change = ChangeCustomer(
                customerID: call.parameters[0], email: email, name: name, book: try call.query().mode(or: call.book))
            return .write { tenant, detail in try answer(try change.run(tenant, &detail), tenant) }
        },
    ]

    private static func answer(_ customer: Customer, _ tenant: TenantReader) throws -> Answer {
        let reseller = try tenant.reseller(id: customer.resellerID)?.publicID
        let owned = Schemas.OwnedCustomer(customer: customer, reseller: reseller)
        return .json(Schemas.customer, owned, in: tenant.currency)
    }
}
