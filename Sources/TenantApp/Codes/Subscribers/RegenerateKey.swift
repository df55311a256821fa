package import CallKit
package import TenantRegistry

/// Gives a reseller a new key in place of one that is dead at once (A7); the first one where it has none. Whoever is
/// signed in names the key where there are several: none dies that nobody named. A key gives itself a new secret alone.
/// Keys of the tenant's other APIs are another matter: who mints them is theirs to say (C5).
package struct RegenerateKey: Sendable {
    /// The key that the call names.
    package let named: String?
    package let secret: MintedSecret
    package let resellerID: Int64
    package let accountID: Int64
    package let book: Book
    /// The credential that calls, and whether it is a session's.
    package let keyID: Int64
    package let isSession: Bool

    /// So many keys are told of, for somebody who has to name one.
    private static let keysTold = 20

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        if let key = try key(tenant) {
            try tenant.judgeInForce(key)
            _ = try tenant.rotateKey(key.id, to: secret, overlapSeconds: 0)
            detail.note("key", key.publicID)
            return
        }
        let new = NewKey(
            accountID: accountID, resellerID: resellerID, role: .reseller, scopes: ActivationCodes.scopes.bits,
            display: secret.display, createdBy: accountID)
        _ = try MintKey(secret: secret, new: new).run(tenant, &detail)
    }

    /// Nil where there is none yet.
    private func key(_ tenant: TenantReader) throws -> APIKey? {
        let keys =
            isSession
            ? try tenant.keysInForce(
                resellerID: resellerID, book: book, scopes: ActivationCodes.scopes.bits, limit: Self.keysTold + 1)
            : try tenant.key(id: keyID).map { [$0] } ?? []
        if let named {
            let key = try tenant.key(publicID: named)
            let isOwn = isSession ? key?.resellerID == resellerID : key?.id == keyID
            guard let key, isOwn, key.book == book, key.role == .reseller, key.revokedAt == nil,
                !key.scopes.isDisjoint(with: ActivationCodes.scopes.bits)
            else { throw Refusal.notFound(.key) }
            return key
        }
        guard keys.count > 1 else { return keys.first }
        let known = keys.prefix(Self.keysTold).map { "\($0.publicID) (\($0.display.mask))" }.joined(separator: ", ")
        throw Refusal.field("/keyId", "required", "is required where there are several keys: \(known)")
    }
}
