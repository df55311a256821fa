package import Cryptography
package import TenantRegistry

/// What a call is about: one tenant, or the whole node, which the provider alone reaches.
package enum Realm: Sendable {
    case tenant(TenantRecord)
    case node(ProviderCaller)
    /// The way in to the node's pages: nobody has shown a key.
    case entrance

    /// Nil for the provider's calls: they have no lane, no quota and no audit log of their own.
    package var tenant: TenantRecord? {
        if case .tenant(let tenant) = self { tenant } else { nil }
    }
}

/// Who calls the provider's API, to be judged again where the call has its effect: a key that was rotated, revoked or
/// ended since opens nothing any more (G3). Any thread.
package final class ProviderCaller: Sendable {
    private let fleet: Fleet
    /// Nil for the control socket, which only the data folder's owner can open.
    package let key: ProviderKeyRecord?
    private let secretHash: Digest?
    /// Of the console, where the call came from there.
    private let session: Digest?

    /// By the key that `secretHash` opens. `session`: that the secret was signed in with.
    package init(_ key: ProviderKeyRecord, secretHash: Digest, session: Digest? = nil, of fleet: Fleet) {
        self.fleet = fleet
        self.key = key
        self.secretHash = secretHash
        self.session = session
    }

    /// Over the control socket.
    package init(byControlSocketOf fleet: Fleet) {
        self.fleet = fleet
        key = nil
        secretHash = nil
        session = nil
    }

    /// As the provider's log names it.
    package var actor: ProviderActor { key.map { .key(id: $0.publicID, name: $0.name) } ?? .controlSocket }

    /// For effects in the registry: judged by its rows, where another rotation of the same batch shows.
    package var judge: Registry.Judge {
        { [self] keys in
            guard isSignedIn, try secretHash.map({ try keys.isLive($0, at: fleet.clock.now()) }) ?? true else {
                throw RegistryRefusal.notAllowed(Refusal.unknownCredential)
            }
        }
    }

    /// For effects in a tenant's file.
    package var warrant: Warrant {
        Warrant { [self] tenant in
            // Nothing of a tenant that went is written here after the export that it went by (P10).
            if let move = tenant.store.record?.profile.move {
                throw Refusal.forbidden(.tenant(.moved(to: move.baseURL)))
            }
            let isLive = secretHash.map { fleet.providerKeys.isLive($0, at: fleet.clock.now()) } ?? true
            guard isSignedIn, isLive else { throw Refusal.unknownCredential }
        }
    }

    /// Whether the session goes on, where there is one.
    private var isSignedIn: Bool { session.map { fleet.consoleSessions.isOpen($0, at: fleet.clock.now()) } ?? true }
}

extension Call {
    /// What one of the provider's calls does, for its log. `detail`: JSON.
    package func act(_ action: String, detail: String = "") -> ProviderAct {
        ProviderAct(
            action, by: provider.actor, requestID: requestID, at: services.fleet.clock.now(), detail: detail)
    }
}

extension Fleet {
    /// A provider key that is about to be made of this text.
    package func newProviderKey(
        _ key: String, name: String = "provider", role: ProviderRole = .admin, expiresAt: Timestamp? = nil
    ) -> NewProviderKey {
        NewProviderKey(
            publicID: PublicID.make("pkey", at: clock.now(), chance: (random.uint64(), random.uint64())), name: name,
            role: role, expiresAt: expiresAt, secret: ProviderSecret(key))
    }
}
