package import CallKit
package import TenantRegistry

/// A reseller that registered activates its own account, where the tenant lets it (A2). Again: nothing happens.
package struct ActivateAccount: Sendable {
    package let resellerID: Int64
    package let accountID: Int64

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        guard let reseller = try tenant.reseller(id: resellerID) else { throw Refusal.unknownCredential }
        guard reseller.state == .pending else { return }
        guard try tenant.allowsSelfActivation() else { throw Refusal.forbidden(.operatorActivates) }
        _ = try MoveReseller(resellerID: reseller.publicID, move: .approve, accountID: accountID).run(tenant, &detail)
    }
}
