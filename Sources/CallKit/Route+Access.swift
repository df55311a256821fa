package import TenantRegistry

/// Who may call a route, by the caller's key and its reseller's place in its life (W1). Judged on the loop and again
/// inside each operation's transaction.
extension Route {
    /// `resellerState`: nil for the owner and operators, who have no reseller.
    package func judge(key: KeyProjection, resellerState: ResellerState?, apiAccess: Bool) throws(Refusal) {
        if let resellerState { try judge(resellerState, key, apiAccess: apiAccess) }
        switch access {
        case .open: break
        // A tenant's key is none of the provider's.
        case .provider: throw .unknownCredential
        case .administrator:
            guard key.role.isAdministrator else { throw notFor(key) }
        case .owner:
            guard key.role.isOwner else {
                throw .forbidden(.ownerOnly)
            }
        case .reseller(let scopes), .openOrReseller(let scopes):
            guard !key.role.isAdministrator else { throw notFor(key) }
            guard key.scopes.isSuperset(of: scopes.bits) else {
                throw .forbidden(.scopeMissing(scopes))
            }
        case .resellerSession:
            guard key.role == .resellerSession else {
                throw .forbidden(.sessionOnly)
            }
        }
    }

    /// Whether knowing its path is all that it takes: what stands for a parameter of an open route opens something by
    /// itself, and logs leave it out.
    package var isNamedBySecret: Bool { Self.isNamedBySecret(access, pattern) }

    static func isNamedBySecret(_ access: Access, _ pattern: String) -> Bool {
        access == .open && pattern.contains("{")
    }

    private func judge(_ state: ResellerState, _ key: KeyProjection, apiAccess: Bool) throws(Refusal) {
        let isPerson = key.role == .resellerSession
        let isOpen = isPerson && openIn.contains(state)
        switch state {
        case .terminated: throw .unknownCredential
        case .pending:
            if !isOpen {
                throw .forbidden(.resellerPending)
            }
        case .suspended:
            if !isOpen {
                throw .forbidden(.resellerSuspended)
            }
        case .active:
            if !apiAccess && !isPerson {
                throw .forbidden(.apiAccessOff)
            }
        }
    }

    private func notFor(_ key: KeyProjection) -> Refusal {
        .forbidden(.wrongRole(key.role))
    }
}
