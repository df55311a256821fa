package import Cryptography
package import RateLimiter

/// What a key may be used for, as bits in files and in memory. Which bit means what, and its name, is said where the
/// scope is used.
package struct Scopes: OptionSet, Sendable, Hashable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// A key's record as the loops judge by it.
package struct KeyProjection: Sendable {
    package var keyID: Int64
    package var publicID: String
    package var role: KeyRole
    package var book: Book
    package var scopes: Scopes
    /// 0 for keys of the owner and operators.
    package var resellerID: Int64
    package var accountID: Int64
    package var isRevoked: Bool
    package var expiresAt: Timestamp?
    package var limit: Policy?
    /// Counts changes of this record. The registry keeps it; nothing is decided by it.
    package var epoch: Int64
    /// Hashes that open this key, each until its time; those not listed any more are dead.
    package var secrets: [Secret]

    package struct Secret: Sendable {
        package let hash: Digest
        package let expiresAt: Timestamp?

        package init(hash: Digest, expiresAt: Timestamp?) {
            self.hash = hash
            self.expiresAt = expiresAt
        }
    }

    package init(
        keyID: Int64, publicID: String, role: KeyRole, book: Book, scopes: Scopes, resellerID: Int64, accountID: Int64,
        isRevoked: Bool, expiresAt: Timestamp?, limit: Policy?, epoch: Int64, secrets: [Secret]
    ) {
        self.keyID = keyID
        self.publicID = publicID
        self.role = role
        self.book = book
        self.scopes = scopes
        self.resellerID = resellerID
        self.accountID = accountID
        self.isRevoked = isRevoked
        self.expiresAt = expiresAt
        self.limit = limit
        self.epoch = epoch
        self.secrets = secrets
    }
}

/// A reseller as the loops judge by it.
package struct ResellerProjection: Sendable {
    package var resellerID: Int64
    package var publicID: String
    package var state: ResellerState
    package var apiAccess: Bool
    package var limit: Policy
    /// It applied by itself and is not approved yet (W12).
    package var isWaiting: Bool

    /// Whether it takes a place in the tenant's quota, and its keys do (P2).
    package var hasPlace: Bool { state != .terminated && !isWaiting }

    package init(
        resellerID: Int64, publicID: String, state: ResellerState, apiAccess: Bool, limit: Policy, isWaiting: Bool
    ) {
        self.resellerID = resellerID
        self.publicID = publicID
        self.state = state
        self.apiAccess = apiAccess
        self.limit = limit
        self.isWaiting = isWaiting
    }
}

package enum ProjectionChange: Sendable {
    case key(KeyProjection)
    case reseller(ResellerProjection)
    /// The address of the owner whom the provider knows (P10).
    case owner(email: String)
}

/// A change with the tenant's projection epoch after it: the registry holds the same number once it has followed.
package struct ProjectedChange: Sendable {
    package let epoch: Int64
    package let change: ProjectionChange
}
