package import CallKit
package import TenantRegistry

/// A reseller as it sees itself, and as events show it: in this form in every dialect (W10).
extension WholesaleOrders {
    static let profileRoutes: [Route] = [
        Route(
            .get, "/account", "Read your own profile: state and terms", access: .reseller([]),
            openIn: [.pending], gives: .read(profile)
        ) { call in
            .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                return .json(profile, reseller, in: tenant.currency)
            }
        }
    ]

    package static let profile = Shape<Reseller>(
        "Profile",
        [
            .member("id", \.publicID), .member("email", \.email), .member("name", \.name),
            .member("company", \.company), .member("status", \.state),
            .member("default_discount_rate", \.defaultDiscountRate), .member("credit_limit", \.creditLimit),
            .member("low_balance_threshold", \.lowBalanceThreshold), .currency("currency"),
            .member("api_access", \.apiAccess), .member("created_at", \.createdAt),
            .member("approved_at", \.approvedAt), .member("standing", \.standing), .member("revision", \.revision),
        ])
}

extension Reseller: EventObject {
    package static let revised: RevisedRows? = RevisedRows("reseller")
    package static let told = WholesaleOrders.profile
    package var resellerID: Int64 { id }
    /// Nothing is told of it in the test book.
    package var book: Book { .live }

    package func forget(in tenant: TenantTransaction) { tenant.memory.resellers[id] = nil }
}
