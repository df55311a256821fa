package import Cryptography
package import TenantRegistry

/// What a call is about: one tenant, or the whole node, which the provider alone reaches.
package enum Realm: Sendable {
    case tenant(TenantRecord)
    case node(ProviderCaller)

    /// Nil for the provider's calls: they have no lane, no quota and no audit log of their own.
    package var tenant: TenantRecord? {
        if case .tenant(let tenant) = self { tenant } else { nil }
    }
}

/// Who calls the provider's API, to be judged again where the call has its effect: a key that was rotated since opens
/// nothing any more (G3). Any thread.
package final class ProviderCaller: Sendable {
    private let fleet: Fleet
    /// Nil for the control socket, which only the data folder's owner can open.
    private let secretHash: Digest?

    /// `secretHash`: of a provider key; nil for the control socket.
    package init(secretHash: Digest?, of fleet: Fleet) {
        self.fleet = fleet
        self.secretHash = secretHash
    }

    private var isKnown: Bool { secretHash.map { fleet.isProviderKey($0) } ?? true }

    /// For effects in the registry: judged by its rows, where another rotation of the same batch shows.
    package var judge: Registry.Judge {
        { [secretHash] keys in
            guard let secretHash, try !keys.isLive(secretHash) else { return }
            throw RegistryRefusal.notAllowed(Refusal.unknownCredential)
        }
    }

    /// For effects in a tenant's file.
    package var warrant: Warrant {
        Warrant { [self] tenant in
            if !isKnown { throw Refusal.unknownCredential }
            // Nothing of a tenant that went is written here after the export that it went by (P10).
            if let move = tenant.store.record?.profile.move {
                throw Refusal.forbidden(.tenant(.moved(to: move.baseURL)))
            }
        }
    }
}
