package import TenantRegistry

extension Refusal {
    /// What a lane could not do, as the caller is told.
    package init(_ failure: LaneFailure) {
        switch failure {
        case .tooManyWaiting: self = .busy
        case .unavailable:
            self = .unavailable(.tenantUnavailable)
        case .quotaReached: self = .quotaExceeded("bytes")
        case .storageFull:
            self = .unavailable(.storageFull)
        case .notCommitted:
            self = .unavailable(.notCommitted)
        case .outcomeUnknown:
            self = .unavailable(.outcomeUnknown)
        case .failed, .corrupt: self = .defect
        case .closed:
            self = .unavailable(.closing)
        case .moved: self = .unavailable(.tenantMoving)
        case .logUnavailable: self = .unavailable(.logUnavailable)
        }
    }

    /// What the registry could not do.
    package init(_ refusal: RegistryRefusal) {
        switch refusal {
        case .slugTaken: self = .conflict(.slugTaken)
        case .uuidLives: self = .conflict(.uuidLives)
        case .hostTaken(let host): self = .conflict(.hostTaken(host))
        case .prefixTaken: self = .field("/prefix", "taken", "belongs to another tenant's keys")
        case .secretTaken: self = .conflict(.secretTaken)
        case .unknownProviderKey: self = .notFound(.providerKey)
        case .providerKeyExpired: self = .conflict(.providerKeyExpired)
        case .providerKeyRevoked: self = .conflict(.providerKeyRevoked)
        case .lastAdminKey: self = .conflict(.lastAdminKey)
        case .tooManyProviderKeys(let most): self = .conflict(.providerKeysFull(most))
        case .unknownTenant: self = .notFound(.tenant)
        case .notAllowed(let error): self = error as? Refusal ?? .defect
        }
    }
}
