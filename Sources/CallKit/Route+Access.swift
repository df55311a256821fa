package import TenantRegistry

/// Who may call a route, by the caller's key and its reseller's place in its life (CONTRACT W1). Judged on the loop and again inside
/// each operation's transaction.
extension Route {
    /// `resellerState`: nil for the owner and operators, who have no reseller.
    package func judge(key: KeyProjection, resellerState: ResellerState?, apiAccess: Bool) throws(Refusal) {
        if let resellerState { try judge(resellerState, key, apiAccess: apiAccess) }
        switch access {
        case .open: break
        case .administrator:
            guard key.role.isAdministrator else { throw notFor(key) }
        case .owner:
            guard key.role.isOwner else {
                throw .forbidden(code: "owner_only", detail: "Only the tenant's owner may do this.")
            }
        case .reseller(let scopes), .openOrReseller(let scopes):
            guard !key.role.isAdministrator else { throw notFor(key) }
            guard key.scopes.isSuperset(of: scopes) else {
                throw .forbidden(
                    code: "scope_missing", detail: "The key lacks the scope \(scopes.names.joined(separator: ", ")).")
            }
        case .resellerSession:
            guard key.role == .resellerSession else {
                throw .forbidden(code: "session_only", detail: "Sign in to do this; a key will not do.")
            }
        }
    }

    private func judge(_ state: ResellerState, _ key: KeyProjection, apiAccess: Bool) throws(Refusal) {
        let isPerson = key.role == .resellerSession
        let isOpen = isPerson && openIn.contains(state)
        switch state {
        case .terminated: throw .unknownCredential
        case .pending:
            if !isOpen {
                throw .forbidden(code: "reseller_pending", detail: "The application has not been approved yet.")
            }
        case .suspended:
            if !isOpen {
                throw .forbidden(code: "reseller_suspended", detail: "The reseller is suspended.")
            }
        case .active:
            if !apiAccess && !isPerson {
                throw .forbidden(code: "api_access_off", detail: "API access is switched off for this reseller.")
            }
        }
    }

    private func notFor(_ key: KeyProjection) -> Refusal {
        .forbidden(code: "wrong_role", detail: "A key of the role \(key.role.name) does not open this.")
    }
}
