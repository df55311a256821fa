import CallKit
import HTTPCore
import TenantRegistry

/// Requests, refusals and orders by hour or day, key, reseller and route (O6).
extension OperatorAdmin {
    static let usage: [Route] = [
        Route(
            .get, "/usage", "Count requests, refusals and orders", access: .administrator,
            parameters: UsageAnswers.parameters + [Schemas.reseller], gives: .list(Schemas.usage), refuses: [404]
        ) { call in
            try UsageAnswers.list(call, ofReseller: nil, reseller: try call.query().id("reseller"))
        },
        Route(
            .get, "/usage/total", "Count them for each hour or day, all keys and routes together, oldest first",
            access: .administrator, parameters: UsageAnswers.totalParameters + [Schemas.reseller],
            gives: .read(Schemas.usageTotals), refuses: [404]
        ) { call in try UsageAnswers.total(call, ofReseller: nil, reseller: try call.query().id("reseller")) },
        Route(
            .get, "/usage/groups", "Count them for each key, reseller or route over the whole time, the greatest first",
            access: .administrator,
            parameters: UsageAnswers.totalParameters + [
                Schemas.reseller, .limit, .query("group", .choice(UsageGroup.self)),
                .query("sort", .choice(UsageFilter.Order.self)),
            ],
            gives: .read(Schemas.usageSums), refuses: [404], handle: UsageAnswers.groups),
    ]
}

extension OperatorAdmin.Schemas {
    struct UsageSum {
        let group: UsageGroup
        let sum: UsageRow
        /// A key or a reseller by its public id, or a route; nil for nobody's.
        var text: String?

        /// With the name that its id stands for.
        func named(_ tenant: TenantReader) throws -> UsageSum {
            var names = AuditNames()
            var named = self
            switch group {
            case .key:
                let id = sum.place.keyID
                try tenant.auditNames(keys: [id], resellers: [], accounts: [], adding: &names)
                named.text = names.keys[id].flatMap { $0.isEmpty ? nil : $0 }
            case .reseller:
                let id = sum.place.resellerID
                try tenant.auditNames(keys: [], resellers: [id], accounts: [], adding: &names)
                named.text = names.resellers[id].flatMap { $0.isEmpty ? nil : $0 }
            case .route: named.text = sum.place.action
            }
            return named
        }
    }
    private static let usageSum = Shape<UsageSum>(
        "UsageOfGroup", [.member("name", \.text), .part(usageCounts, \.usage)])
    static let usageSums = Shape<(data: [UsageSum], hasMore: Bool)>([
        .list("data", usageSum, \.data), .member("has_more", \.hasMore),
    ])
}

extension OperatorAdmin.Schemas.UsageSum {
    fileprivate var usage: OperatorAdmin.Schemas.Usage {
        OperatorAdmin.Schemas.Usage(row: sum, period: .day, names: AuditNames())
    }
}
