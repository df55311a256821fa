package import CallKit
package import Cryptography
import RateLimiter
package import TenantRegistry

/// A secret made outside the lane: its hash is reserved in the registry before the file hears of it (0004).
package struct MintedSecret: Sendable {
    /// Shown once, stored nowhere.
    package let text: String
    package let hash: Digest
    package let display: KeyDisplay

    package init(shape: KeyShape, book: Book, random: any RandomSource) {
        text = shape.mint(book, random: random)
        hash = SHA256.hash(Array(text.utf8))
        display = KeyDisplay(prefix: APIKeyFormat.displayPrefix(text), suffix: shape.displaySuffix(text))
    }

    package init(prefix: String, book: Book, random: any RandomSource) {
        self.init(shape: .prefixed(prefix), book: book, random: random)
    }
}

extension Call {
    /// A secret in the shape that the tenant's keys have.
    func newSecret(_ book: Book) -> MintedSecret {
        MintedSecret(shape: services.shared(Blueprints.self).keyShape(of: tenant), book: book, random: services.random)
    }
}

/// Writes a key for an account. The caller has judged who may mint what.
package struct MintKey {
    package let secret: MintedSecret
    package var new: NewKey

    package init(secret: MintedSecret, new: NewKey) {
        self.secret = secret
        self.new = new
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> APIKey {
        if !new.role.isSession, let most = tenant.store.record?.profile.quotas.keysMax {
            guard try tenant.keysInForce() < most else { throw Refusal.quotaExceeded("keys") }
        }
        var new = new
        if new.role == .reseller, new.limit == nil { new.limit = try tenant.keyLimitDefault() }
        let key = try tenant.insertKey(new, secretHash: secret.hash)
        detail.note("key", key.publicID)
        detail.resellerID = new.resellerID
        return key
    }
}

/// How long somebody who signed in stays so.
package enum SessionTerms {
    package static let seconds: Int64 = 12 * 3600
    /// The prefix of tokens, in place of the blueprint's.
    package static let prefix = "tgs"
}
