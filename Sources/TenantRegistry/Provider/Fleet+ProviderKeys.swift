package import Cryptography

/// The provider's keys (P8). Memory follows the registry's rows before a change is answered. What a key that dies had
/// begun has no effect after the answer: every lane comes to rest in between (G3).
extension Fleet {
    /// Another key; `revokingOthers`: it is the only one from the answer on.
    package func addProviderKey(
        _ new: NewProviderKey, revokingOthers: Bool = false, as act: ProviderAct,
        judge: @escaping Registry.Judge = { _ in },
        then: @escaping @Sendable (Result<ProviderKey, any Error>) -> Void
    ) {
        registry.addProviderKey(new, revokingOthers: revokingOthers, as: act, judge: judge) { [self] result in
            guard case .success(let key) = result else { return then(result) }
            providerKeys.add(key, new.secret, replacingAll: revokingOthers)
            if revokingOthers { settle(roster.allTenants) { then(result) } } else { then(result) }
        }
    }

    /// Another secret; the one before ends after the overlap, or now.
    package func rotateProviderKey(
        _ publicID: String, to secret: ProviderSecret, overlapSeconds: Int64, as act: ProviderAct,
        judge: @escaping Registry.Judge, then: @escaping @Sendable (Result<ProviderKey, any Error>) -> Void
    ) {
        registry.rotateProviderKey(publicID, to: secret, overlapSeconds: overlapSeconds, as: act, judge: judge) {
            [self] result in
            guard case .success(let key) = result else { return then(result) }
            providerKeys.rotate(
                key, to: secret, endingAt: overlapSeconds > 0 ? act.at.adding(seconds: overlapSeconds) : nil)
            settle(roster.allTenants) { then(result) }
        }
    }

    package func revokeProviderKey(
        _ publicID: String, as act: ProviderAct, judge: @escaping Registry.Judge,
        then: @escaping @Sendable (Result<ProviderKey, any Error>) -> Void
    ) {
        registry.revokeProviderKey(publicID, sparingLastAdmin: act.actor != .controlSocket, as: act, judge: judge) {
            [self] result in
            guard case .success(let key) = result else { return then(result) }
            providerKeys.remove(key)
            settle(roster.allTenants) { then(result) }
        }
    }

    /// A session of a cluster's console is over at every node before this is answered (N5).
    package func signOut(
        _ session: Digest, begunAt: Timestamp, at now: Timestamp,
        then: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        let end = ConsoleSessions.end(ofBegunAt: begunAt)
        registry.signOut(session, endingAt: end, at: now) { [self] result in
            if case .success = result { consoleSessions.end(session, until: end, at: now) }
            then(result)
        }
    }
}
