import CallKit
import HTTPCore
import RateLimiter
import TenantRegistry

/// Who changed limits (O2).
extension OperatorAdmin {
    static let limits: [Route] = [
        Route(
            .get, "/resellers/{id}/rate-limit/history", "List changes of a reseller's limit, newest first",
            access: .administrator, parameters: .page(), gives: .list(Schemas.limitChange)
        ) { call in
            try history(call) { .reseller(try $0.knownReseller(call.parameters[0]).id) }
        },
        Route(
            .get, "/api-keys/{id}/limit/history", "List changes of a key's own limit, newest first",
            access: .administrator, parameters: .page(), gives: .list(Schemas.limitChange)
        ) { call in
            try history(call) { .key(try $0.knownKey(call.parameters[0]).id) }
        },
    ]

    private static func history(
        _ call: Call, _ subject: @escaping @Sendable (TenantReader) throws -> LimitChange.Subject
    ) throws -> Work {
        let page = try Paging(call)
        return .read { tenant in
            let rows = try tenant.limitChanges(of: try subject(tenant), before: page.before, limit: page.fetch)
            return page.answer(rows, id: \.id, Schemas.limitChange, in: tenant.currency)
        }
    }
}

extension OperatorAdmin.Schemas {
    fileprivate static let limitChange = Shape<LimitChange>(
        "LimitChange",
        [
            .member("at", \.at), .member("key", \.keyPublicID), .member("account", \.account),
            .member("request_id", \.requestID.text), .objectOrNull("from", KeyBodies.limit, \.old),
            .objectOrNull("to", KeyBodies.limit, \.new),
        ])
}
