package import Cryptography
package import TenantRegistry

/// Who calls: the key and what it stood for when the call was authenticated.
package struct Caller: Sendable {
    package let key: KeyRecord
    package let projection: KeyProjection
    /// Of what the caller sent: each operation looks in its own transaction whether it still opens the key.
    package let secretHash: Digest

    package init(key: KeyRecord, projection: KeyProjection, secretHash: Digest) {
        self.secretHash = secretHash
        self.key = key
        self.projection = projection
    }

    package var book: Book { projection.book }
    package var role: KeyRole { projection.role }
    /// The reseller whose key it is; nil for the owner and operators.
    package var resellerID: Int64? { projection.resellerID == 0 ? nil : projection.resellerID }

    /// Whether it is a reseller's that applied by itself and waits for approval. Anybody may apply: what it uses is
    /// strangers' (G6). Whom the operator has invited is no stranger.
    package var isWaiting: Bool { key.reseller?.projection.isWaiting ?? false }

    /// The same caller, who reads this book; what they may do is judged before.
    package func reading(_ book: Book) -> Caller {
        var projection = projection
        projection.book = book
        return Caller(key: key, projection: projection, secretHash: secretHash)
    }
}
