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
        }
    ]
}
