package import CallKit
package import TenantRegistry

extension Warrant {
    /// A call of the tenant's own callers: the tenant is open, the secret that the caller sent still opens its key, and
    /// the states of key and reseller let it call the route (G3).
    package static func of(_ caller: Caller?, of record: TenantRecord, for route: Route) -> Warrant {
        Warrant { tenant in
            try record.judge(at: tenant.now)
            guard let caller else { return }
            guard let standing = try tenant.standing(ofSecret: caller.secretHash), !standing.isRevoked,
                !(standing.expiresAt.map { tenant.now >= $0 } ?? false)
            else { throw Refusal.unknownCredential }
            // What the handler judges by is what the call came with.
            guard standing.role == caller.role else { throw Refusal.forbidden(.roleChanged) }
            try route.judge(
                key: caller.projection, resellerState: standing.resellerState, apiAccess: standing.apiAccess)
            if standing.resellerState == .pending, !caller.projection.role.isSession, try !tenant.offersSandbox() {
                throw Refusal.forbidden(.resellerPending)
            }
        }
    }
}
