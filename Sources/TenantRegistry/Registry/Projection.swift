package import Cryptography
package import RateLimiter

/// What a key may be used for. A set, kept as text in the file and as bits in memory.
package struct Scopes: OptionSet, Sendable, Hashable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }

    package static let partnerRead = Scopes(rawValue: 1 << 0)
    package static let partnerOrder = Scopes(rawValue: 1 << 1)
    package static let resellerSignup = Scopes(rawValue: 1 << 2)
    package static let resellerCredit = Scopes(rawValue: 1 << 3)
    package static let customersRead = Scopes(rawValue: 1 << 4)
    package static let customersWrite = Scopes(rawValue: 1 << 5)
    package static let portsRead = Scopes(rawValue: 1 << 6)
    package static let portsWrite = Scopes(rawValue: 1 << 7)
    package static let codes = Scopes(rawValue: 1 << 8)
    package static let licences = Scopes(rawValue: 1 << 9)

    package static let named: [(name: String, scope: Scopes)] = [
        ("partner:read", .partnerRead), ("partner:order", .partnerOrder), ("reseller:signup", .resellerSignup),
        ("reseller:credit", .resellerCredit), ("customers:read", .customersRead),
        ("customers:write", .customersWrite), ("ports:read", .portsRead), ("ports:write", .portsWrite),
        ("codes", .codes), ("licences", .licences),
    ]

    package static let all = named.reduce(into: Scopes()) { $0.insert($1.scope) }

    package init?(name: String) {
        guard let found = Scopes.named.first(where: { $0.name == name }) else { return nil }
        self = found.scope
    }

    package var names: [String] { Scopes.named.filter { contains($0.scope) }.map(\.name) }
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

    package init(resellerID: Int64, publicID: String, state: ResellerState, apiAccess: Bool, limit: Policy) {
        self.resellerID = resellerID
        self.publicID = publicID
        self.state = state
        self.apiAccess = apiAccess
        self.limit = limit
    }
}

package enum ProjectionChange: Sendable {
    case key(KeyProjection)
    case reseller(ResellerProjection)
}

/// A change with the tenant's projection epoch after it: the registry holds the same number once it has followed.
package struct ProjectedChange: Sendable {
    package let epoch: Int64
    package let change: ProjectionChange
}
