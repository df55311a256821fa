package import CallKit
package import HTTPCore
package import TenantRegistry

/// Wholesale orders (W; docs/wholesale-orders.md): a reseller's shop lists priced products, quotes and places signed
/// orders, and looks after its services, customers, balance, webhook and keys.
package struct WholesaleOrders: Dialect {
    package static let scopes: NamedScopes = [.partnerRead, .partnerOrder]
    package let name = "wholesale_orders"
    package let refusesUnknownMembers = true
    package let basePath = "/api/partner/v1"

    package init() {}

    package let routes: [Route] =
        orders + ownServices + topUps + catalogue + account + profileRoutes + webhooks + ownCalls + glances + program

    package func credential(in head: RequestHead) -> Range<Int>? { head.bearer }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }
}

extension NamedScopes {
    static let partnerRead = NamedScopes("partner:read", bit: 0)
    static let partnerOrder = NamedScopes("partner:order", bit: 1)
}
