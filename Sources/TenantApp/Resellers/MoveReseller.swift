package import CallKit
package import TenantRegistry

/// Approves, suspends, resumes or terminates a reseller (O3, W1). Its keys are judged by its state from the answer on.
/// None is revoked by it; a restore to before a termination revokes them (P5).
package struct MoveReseller: Sendable {
    package let resellerID: String
    package let move: ResellerState.Move
    package let accountID: Int64

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Reseller {
        let reseller = try tenant.knownReseller(resellerID)
        guard let next = reseller.state.after(move) else {
            throw Refusal.conflict(.reseller(reseller.state, cannot: move))
        }
        if move == .approve, try tenant.isApplication(reseller.id) {
            if try tenant.isLapsedApplication(reseller.id) { throw Refusal.conflict(.applicationLapsed) }
            try tenant.judgeResellerQuota()
        }
        detail.resellerID = reseller.id
        detail.note("reseller", reseller.publicID)
        detail.note("status", from: reseller.state.name, to: next.name)
        var moved = try tenant.setState(of: reseller, to: next, by: accountID)
        switch move {
        case .approve, .resume: break
        case .suspend:
            moved = try tenant.emit(.resellerSuspended, moved)
        case .terminate:
            if let account = try tenant.account(resellerID: reseller.id) {
                try tenant.endLinks(account: account.id)
            }
            try tenant.dropDeliveries(resellerID: reseller.id)
            try tenant.disableWebhooks(resellerID: reseller.id)
            try tenant.endServicesWithTerm(resellerID: reseller.id, asksClock: true)
        }
        return moved
    }
}
