package import CallKit
import Cryptography
import HTTPCore
import RateLimiter
import TenantRegistry

/// Keys on the wire, for the operator's API and the resellers' own (O1, W11).
package enum KeyAnswers {
    /// How long an old secret may live beside the new one.
    package static let overlapSecondsMax: Int64 = 30 * 86_400

    /// The answer that shows the key, once; a replay has `already_shown` in its place. `shape`: the API's own.
    package static func minted(
        _ key: APIKey, _ secret: MintedSecret, status: Int, _ shape: Shape<KeyBodies.Minted> = KeyBodies.minted,
        in currency: Currency
    ) -> Answer {
        .shownOnce(status) { json, isShown in
            shape.write(KeyBodies.Minted(key: key, secret: isShown ? secret.text : nil), in: currency, to: &json)
        }
    }

    /// `POST …/{id}/rotate {overlap_seconds}`: a new secret; limits, dedupe and attribution stay with the key's id.
    /// `resellerID`: whose keys may be rotated; nil for all of the tenant's. `shape`: the API's own.
    package static func rotate(
        _ call: Call, _ publicID: String, resellerID: Int64?, _ shape: Shape<KeyBodies.Minted> = KeyBodies.minted,
        isCamel: Bool = false
    ) throws -> Work {
        let overlap = try call.read(KeyBodies.rotation(isCamel: isCamel))
        // A secret says its key's mode, which only the file knows; so the secret is made once it has been read.
        return .flow { steps in
            let key = try await steps.read { try $0.key(publicID: publicID) }
            return try rotation(call, key, resellerID, overlap, shape)
        }
    }

    private static func rotation(
        _ call: Call, _ key: APIKey?, _ resellerID: Int64?, _ overlap: Int64, _ shape: Shape<KeyBodies.Minted>
    ) throws -> Work {
        guard let key, isReachable(key, resellerID) else { throw Refusal.notFound(.key) }
        try guardOwnerKey(key, call)
        // A rotation shows a secret: like minting for others it is the owner's, but for one's own keys (O1).
        let isOwn = resellerID != nil || key.accountID == call.known.projection.accountID
        guard isOwn || call.known.role.isOwner else {
            throw Refusal.forbidden(.ownerRotates)
        }
        let secret = call.newSecret(key.book)
        return .reserving(secret.hash) { tenant, detail in
            guard let current = try tenant.key(id: key.id) else { throw Refusal.notFound(.key) }
            try tenant.judgeInForce(current)
            let rotated = try tenant.rotateKey(current.id, to: secret, overlapSeconds: overlap)
            detail.resellerID = rotated.resellerID
            detail.note("key", rotated.publicID)
            return minted(rotated, secret, status: 200, shape, in: tenant.currency)
        }
    }

    /// `DELETE …/{id}`: no request passes on this key after the answer (G3). Again: the same answer.
    package static func revoke(
        _ call: Call, resellerID: Int64?, _ shape: Shape<APIKey> = KeyBodies.revoked
    ) -> Work {
        .write { tenant, detail in
            guard let key = try tenant.key(publicID: call.parameters[0]), isReachable(key, resellerID) else {
                throw Refusal.notFound(.key)
            }
            try guardOwnerKey(key, call)
            if key.revokedAt == nil {
                try guardLastKey(key, tenant)
                try tenant.revokeKey(key.id)
            } else {
                try tenant.tellRevoked(key)
            }
            detail.resellerID = key.resellerID
            detail.note("key", key.publicID)
            guard let revoked = try tenant.key(id: key.id) else { throw Refusal.defect }
            return .json(shape, revoked, in: tenant.currency)
        }
    }

    /// The owner's keys are the owner's: an operator neither rotates, revokes nor limits them.
    package static func guardOwnerKey(_ key: APIKey, _ call: Call) throws(Refusal) {
        guard !key.role.isOwner || call.known.role.isOwner else {
            throw .forbidden(.ownerChangesOwn)
        }
    }

    /// Without a key and without a password nobody could come back in (O1).
    private static func guardLastKey(_ key: APIKey, _ tenant: TenantReader) throws {
        guard key.role == .owner, !(key.expiresAt.map { tenant.now >= $0 } ?? false),
            try !tenant.hasOwner(besideKey: key.id)
        else { return }
        throw Refusal.conflict(.lastKey)
    }

    private static func isReachable(_ key: APIKey, _ resellerID: Int64?) -> Bool {
        !key.role.isSession && (resellerID == nil || key.resellerID == resellerID)
    }
}

extension Call {
    /// A secret in the shape that the tenant's keys have.
    func newSecret(_ book: Book) -> MintedSecret {
        MintedSecret(shape: services.shared(Blueprints.self).keyShape(of: tenant), book: book, random: services.random)
    }
}
