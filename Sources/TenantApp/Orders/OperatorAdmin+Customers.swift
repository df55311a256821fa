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
            .get, "/customers/{id}", "Read an end customer", access: .administrator, gives: .read(Schemas.customer)
        ) { call in
            .read { tenant in
                guard let customer = try tenant.customer(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.customer)
                }
                let owned = Schemas.OwnedCustomer(
                    customer: customer, reseller: try tenant.reseller(id: customer.resellerID)?.publicID)
                return .json(Schemas.customer, owned, in: tenant.currency)
            }
        },
    ]
}
