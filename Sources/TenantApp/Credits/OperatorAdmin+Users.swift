import CallKit
import HTTPCore
import TenantRegistry

/// Users whom resellers signed up (O11).
extension OperatorAdmin {
    static let users: [Route] = [
        Route(
            .get, "/users", "List users, by the key that signed them up", access: .administrator,
            parameters: .page(.mode, .query("signed_up_via")), gives: .list(Schemas.user), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let book = try query.mode(or: call.book)
            let key = try query.id("signed_up_via")
            return .read { tenant in
                let rows = try tenant.panelUsers(
                    signedUpVia: try key.map { try tenant.knownKey($0).id }, book: book, after: page.after,
                    limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.user, in: tenant.currency)
            }
        }
    ]
}
