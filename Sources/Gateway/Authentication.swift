import CallKit
import Cryptography
import HTTPCore
import Provider
import RateLimiter
import TenantApp
import TenantRegistry

/// A request whose credential has been judged: the witness that admission requires.
struct Authenticated: Sendable {
    let routed: Routed
    let realm: Realm
    /// Nil on open routes, and for the provider.
    let caller: Caller?
    fileprivate let keyBucket: Bucket?
    /// What an open route is to end (`Route.OpenCalls.signOuts`), where it is not over yet.
    fileprivate(set) var session: Digest?

    var keyLimit: Bucket? { keyBucket }
    /// Nil for the provider's calls.
    var tenant: TenantRecord? { realm.tenant }
    /// Nobody has shown a credential.
    var isStrangers: Bool {
        switch realm {
        case .tenant: caller == nil
        case .node: false
        case .entrance: true
        }
    }
}

extension Authenticated {
    /// The same caller at a route that the call itself asks for: it opens what it would open by itself.
    func calling(_ inner: Routed) throws(Refusal) -> Authenticated {
        switch realm {
        case .node(let provider): try inner.route.judge(provider: provider.key)
        case .entrance: throw .unknownCredential
        case .tenant:
            guard let caller else { throw .unknownCredential }
            // Strangers have budgets of their own for those: nobody passes them by with a session.
            if inner.route.access.isOpen, inner.route.moves != .nothing { throw .notFound(.path) }
            let standing = caller.key.reseller?.projection
            try inner.route.judge(
                key: caller.projection, resellerState: standing?.state, apiAccess: standing?.apiAccess ?? true)
        }
        return Authenticated(routed: inner, realm: realm, caller: caller, keyBucket: keyBucket)
    }
}

/// Why a request got no further than its credential. `known` where the key is known and its state or role forbids the
/// call: such a call counts against its limits and is logged like any other (G2, O6).
struct Denied: Error {
    let refusal: Refusal
    let known: Authenticated?
    /// The tenant serves nobody now, whatever the key: nothing is counted, and its file stays as it is.
    var isOfTenant = false
}

/// Who calls, and whether the state of key, reseller and tenant lets it.
struct Authentication: Sendable {
    let fleet: Fleet

    /// `credential`: what the head carries, or the body where the dialect allows it.
    func authenticate(_ routed: Routed, credential: ArraySlice<UInt8>?) throws(Denied) -> Authenticated {
        let authenticated: Authenticated
        do throws(Refusal) {
            authenticated = try identify(routed, credential)
        } catch {
            throw Denied(refusal: error, known: nil)
        }
        if case .node(let provider) = authenticated.realm {
            do throws(Refusal) { try routed.route.judge(provider: provider.key) } catch {
                throw Denied(refusal: error, known: authenticated)
            }
        }
        guard let caller = authenticated.caller else { return authenticated }
        do throws(Refusal) { try caller.key.tenant.judge(at: routed.now) } catch {
            throw Denied(refusal: error, known: error.status == 403 ? authenticated : nil, isOfTenant: true)
        }
        let standing = caller.key.reseller?.projection
        do throws(Refusal) {
            try routed.route.judge(
                key: caller.projection, resellerState: standing?.state, apiAccess: standing?.apiAccess ?? true)
        } catch {
            throw Denied(refusal: error, known: error.status == 403 ? authenticated : nil)
        }
        return authenticated
    }

    /// Whoever shows a credential that opens nothing, at a route that opens without one (A2). Nil elsewhere, and where
    /// no address says whose it is.
    func stranger(at routed: Routed) -> Authenticated? {
        guard routed.route.access.isOpen, routed.addressed != nil else { return nil }
        return try? authenticate(routed, credential: nil)
    }

    private func identify(_ routed: Routed, _ credential: ArraySlice<UInt8>?) throws(Refusal) -> Authenticated {
        if routed.route.access.isProviders {
            return Authenticated(
                routed: routed, realm: .node(try provider(routed, credential)), caller: nil, keyBucket: nil)
        }
        if routed.dialect == nil {
            return Authenticated(
                routed: routed, realm: .entrance, caller: nil, keyBucket: nil, session: session(routed, credential))
        }
        let isAnonymous = credential == nil && routed.route.access.isOpen
        if isAnonymous || routed.route.access == .open {
            guard let tenant = routed.addressed else { throw .notFound(.path) }
            try tenant.judge(at: routed.now)
            return Authenticated(
                routed: routed, realm: .tenant(tenant), caller: nil, keyBucket: nil,
                session: session(routed, credential))
        }
        guard let credential else { throw .unknownCredential }
        let (key, hash) = try find(credential, behind: routed.surface.credentialDomain, at: routed.now)
        // A key under another tenant's address is an unknown key.
        if routed.isUnknownAddress || (routed.addressed.map { $0 !== key.tenant } ?? false) { throw .unknownCredential }
        let (projection, bucket) = key.current
        if projection.isRevoked || projection.expiresAt.map({ routed.now >= $0 }) ?? false { throw .unknownCredential }
        if routed.surface.credentialDomain != nil,
            !key.usedByPage(at: routed.now, idleSecondsMax: SessionTerms.pageIdleSeconds)
        {
            throw .unknownCredential
        }
        return Authenticated(
            routed: routed, realm: .tenant(key.tenant),
            caller: Caller(key: key, projection: projection, secretHash: hash), keyBucket: bucket)
    }

    /// Nil where the route ends none, or the cookie opens nothing here any more.
    private func session(_ routed: Routed, _ cookie: ArraySlice<UInt8>?) -> Digest? {
        guard routed.route.openCalls == .signOuts, let cookie else { return nil }
        guard let tenant = routed.addressed else {
            let caller = try? provider(routed, session: cookie, behind: PageCookie.domain)
            return caller == nil ? nil : SHA256.hash(cookie, behind: PageCookie.domain)
        }
        guard let (key, hash) = try? find(cookie, behind: PageCookie.domain, at: routed.now), key.tenant === tenant
        else { return nil }
        let projection = key.current.projection
        let isOver = projection.isRevoked || projection.expiresAt.map { routed.now >= $0 } ?? false
        return isOver ? nil : hash
    }

    /// A provider key, or the control socket, which only the data folder's owner can open.
    private func provider(_ routed: Routed, _ credential: ArraySlice<UInt8>?) throws(Refusal) -> ProviderCaller {
        if let domain = routed.surface.credentialDomain {
            return try provider(routed, session: credential, behind: domain)
        }
        if routed.peer.role == .control { return ProviderCaller(byControlSocketOf: fleet) }
        guard let credential, APIKeyFormat.isWellFormed(credential) else { throw .unknownCredential }
        let hash = credential.withUnsafeBytes { SHA256.hash($0) }
        guard let key = fleet.providerKeys.key(hash, at: routed.now) else { throw .unknownCredential }
        key.used(at: routed.now)
        return ProviderCaller(key, secretHash: hash, of: fleet)
    }

    /// Whoever has signed in to the console with a provider key that still opens what it opened.
    private func provider(
        _ routed: Routed, session cookie: ArraySlice<UInt8>?, behind domain: StaticString
    ) throws(Refusal) -> ProviderCaller {
        let ticket = fleet.cluster == nil ? nil : cookie.flatMap { ConsoleTicket(opening: $0, of: fleet) }
        guard let cookie, APIKeyFormat.isHex64(cookie) || ticket != nil else { throw .unknownCredential }
        let session = SHA256.hash(cookie, behind: domain)
        // Begun at another node.
        if let ticket {
            fleet.consoleSessions.adopt(session, with: ticket.secret, begunAt: ticket.begunAt, at: routed.now)
        }
        guard let secret = fleet.consoleSessions.secret(behind: session, at: routed.now),
            let key = fleet.providerKeys.key(secret, at: routed.now)
        else { throw .unknownCredential }
        key.used(at: routed.now)
        return ProviderCaller(key, secretHash: secret, session: session, of: fleet)
    }

    /// Shape first: garbage costs neither hash nor look-up.
    private func find(
        _ credential: ArraySlice<UInt8>, behind domain: StaticString?, at now: Timestamp
    ) throws(Refusal) -> (KeyRecord, Digest) {
        guard APIKeyFormat.isWellFormed(credential) || APIKeyFormat.isHex64(credential) else {
            throw .unknownCredential
        }
        let hash =
            domain.map { SHA256.hash(credential, behind: $0) } ?? credential.withUnsafeBytes { SHA256.hash($0) }
        guard let key = fleet.roster.key(hash: hash, at: now) else { throw .unknownCredential }
        return (key, hash)
    }
}
