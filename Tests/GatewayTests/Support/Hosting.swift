import HTTPCore
import TenantApp
import TestGateway

/// The calls of a hosting tenant's resellers (W), as its own clients make them.
extension TestTenant {
    /// A signed order for small servers at 3.80 each.
    func order(
        _ id: String?, quantity: Int = 1, product: String = "vps-1", by reseller: FillDemo.MadeReseller? = nil,
        key: String? = nil
    ) -> TestRequest {
        let reseller = reseller ?? self.reseller
        var request = unsignedOrder(quantity: quantity, product: product).bearer(key ?? reseller.key ?? "")
        if let id { request = request.idempotent(id) }
        return request.signed(with: reseller.webhookSecret, at: gateway.clock.now())
    }

    /// A signed order of these bytes.
    func order(_ id: String, of body: [UInt8]) -> TestRequest {
        unsignedOrder().carrying(body).bearer(key).idempotent(id)
            .signed(with: reseller.webhookSecret, at: gateway.clock.now())
    }

    func unsignedOrder(quantity: Int = 1, product: String = "vps-1") -> TestRequest {
        TestRequest(
            "POST", path("/api/partner/v1/orders"),
            #"{"product":"\#(product)","term":"monthly","quantity":\#(quantity),"customer":{"external_id":"c-1"}}"#)
    }

    func partner(_ method: String, _ path: String, _ json: String? = nil, key: String? = nil) -> TestRequest {
        TestRequest(method, self.path("/api/partner/v1\(path)"), json).bearer(key ?? self.key)
    }

    /// Everything that an order would have changed.
    func books() async throws -> Books {
        try await read { tenant in
            func number(_ sql: String) throws -> Int64 {
                try tenant.connection.rows(dynamic: sql) { try $0.int() }.first ?? 0
            }
            return Books(
                orders: try number("SELECT count(*) FROM orders"),
                services: try number("SELECT count(*) FROM service"),
                postings: try number("SELECT count(*) FROM posting"),
                balances: try number("SELECT coalesce(sum(abs(balance)), 0) FROM ledger_account"),
                answers: try number("SELECT count(*) FROM idempotency WHERE key NOT LIKE 'owner-%'"),
                deliveries: try number("SELECT count(*) FROM delivery"),
                auditRows: try number("SELECT count(*) FROM audit WHERE kind = 0 AND action LIKE 'POST /api/partner/%'")
            )
        }
    }

    /// The first reseller's balance, as the operator sees it.
    func balance() async throws -> String? { try await asOwner("GET", "/resellers/\(reseller.id)")["balance"] }
}

struct Books: Equatable, Sendable {
    let orders: Int64
    let services: Int64
    let postings: Int64
    let balances: Int64
    let answers: Int64
    let deliveries: Int64
    let auditRows: Int64
}
