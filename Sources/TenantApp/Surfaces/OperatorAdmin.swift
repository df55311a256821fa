package import CallKit
package import HTTPCore
package import TenantRegistry

/// The admin API of one tenant (O): its owner and operators look after keys, resellers, products and prices,
/// balances, orders and services, and read the audit log.
package struct OperatorAdmin: Dialect {
    package let name = "operator_admin"
    package let refusesUnknownMembers = true
    package let basePath = "/api/admin"
    package let isAlwaysThere = true

    package init() {}

    package let routes: [Route] = [
        keys,
        keyActivity,
        limits,
        sessions,
        account,
        people,
        resellers,
        resellerMoves,
        balances,
        products,
        prices,
        priceBook,
        orders,
        refunds,
        services,
        reports,
        webhooks,
        deliveries,
        events,
        customers,
        ports,
        devices,
        settings,
        audit,
        auditProofs,
        verification,
        usage,
        rehearsals,
        licences,
        credits,
        users,
        subscribers,
        codes,
        payments,
        provisioning,
        stock,
        stockLevels,
        due,
        overview,
    ].flatMap { $0 }

    package func credential(in head: RequestHead) -> Range<Int>? { head.bearer }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }
}

extension Call {
    /// The tenant's one currency.
    var currency: Currency { Currency(tenant.profile.currency) ?? .usDollar }
    /// The account of whoever calls.
    var accountID: Int64 { known.projection.accountID }
    var keyID: Int64 { known.projection.keyID }
    /// The author of a limit that this call changes.
    var limitAuthor: LimitChange.Author { .init(keyID: keyID, accountID: accountID, requestID: requestID) }
}
