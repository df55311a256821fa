package import CallKit
package import HTTPCore
package import TenantRegistry

/// Wholesale orders (W; docs/wholesale-orders.md): a reseller's shop lists priced products, quotes and places signed
/// orders, and looks after its services, customers, balance, webhook and keys.
package struct WholesaleOrders: Dialect {
    package let name = "wholesale_orders"
    package let basePath = "/api/partner/v1"

    package init() {}

    package let routes: [Route] = orders + catalogue + account

    package func credential(in head: RequestHead) -> Range<Int>? { head.bearer }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }
}
