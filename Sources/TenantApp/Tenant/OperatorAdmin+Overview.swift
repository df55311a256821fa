import CallKit
import HTTPCore
import TenantRegistry

/// Where a tenant stands, in a few numbers.
extension OperatorAdmin {
    static let overview: [Route] = [
        Route(
            .get, "/overview", "Count resellers by state, and say how far a new tenant has come",
            access: .administrator, gives: .read(Schemas.overview)
        ) { _ in
            .read { tenant in
                let overview = Schemas.Overview(
                    resellers: try tenant.resellerCounts(), steps: try tenant.firstSteps())
                return .json(Schemas.overview, overview, in: tenant.currency)
            }
        }
    ]
}

extension OperatorAdmin.Schemas {
    fileprivate struct Overview {
        let resellers: [ResellerState: Int64]
        let steps: FirstSteps
    }
    fileprivate static let overview = Shape<Overview>(
        "Overview",
        [
            .object(
                "resellers",
                [
                    .member("pending") { $0.resellers[.pending] ?? 0 },
                    .member("active") { $0.resellers[.active] ?? 0 },
                    .member("suspended") { $0.resellers[.suspended] ?? 0 },
                    .member("terminated") { $0.resellers[.terminated] ?? 0 },
                ]),
            .object(
                "steps",
                [
                    .member("product", \.steps.product), .member("price", \.steps.price),
                    .member("reseller", \.steps.reseller), .member("key", \.steps.key),
                    .member("sale", \.steps.sale),
                ]),
        ])
}
