package import CallKit
import Cryptography
import HTTPCore
import RateLimiter
import TenantRegistry

/// Keys on the wire, for the operator's API and the resellers' own (CONTRACT O1, W11).
package enum KeyAnswers {
    /// How long an old secret may live beside the new one.
    package static let overlapSecondsMax: Int64 = 30 * 86_400

    /// The answer that shows the key, once; a replay has `already_shown` in its place (DESIGN 3).
    package static func minted(_ key: APIKey, _ secret: MintedSecret, status: Int, in currency: Currency) -> Answer {
        var answer = Answer.json(
            status, KeyBodies.minted, KeyBodies.Minted(key: key, secret: secret.text), in: currency)
        let again = KeyBodies.Minted(key: key, secret: nil)
        answer.replayBody = Answer.json(status, KeyBodies.minted, again, in: currency).body
        return answer
    }

    /// `POST …/{id}/rotate {overlap_seconds}`: a new secret; limits, dedupe and attribution stay with the key's id.
    /// `resellerID`: whose keys may be rotated; nil for all of the tenant's.
    package static func rotate(_ call: Call, resellerID: Int64?) throws -> Work {
        let overlap = try call.read(KeyBodies.rotation)
        // A secret says its key's mode, which only the file knows; so the secret is made once it has been read.
        return .later { answer in
            call.tenant.lane.submit(
                LaneJob(
                    writes: false,
                    perform: { store in
                        let key = try store.reader.key(publicID: call.parameters[0])
                        return { _ in answer(Result { try .proceed(rotation(call, key, resellerID, overlap)) }) }
                    },
                    fail: { answer(.failure($0)) }))
        }
    }

    private static func rotation(_ call: Call, _ key: APIKey?, _ resellerID: Int64?, _ overlap: Int64) throws -> Work {
        guard let key, isReachable(key, resellerID) else { throw Refusal.notFound("key") }
        try guardOwnerKey(key, call)
        // A rotation shows a secret: like minting for others it is the owner's, but for one's own keys (CONTRACT O1).
        let isOwn = resellerID != nil || key.accountID == call.known.projection.accountID
        guard isOwn || call.known.role.isOwner else {
            throw Refusal.forbidden(code: "owner_only", detail: "Only the tenant's owner rotates the keys of others.")
        }
        let secret = call.newSecret(key.book)
        return .reserving([secret.hash]) { tenant, detail in
            guard let current = try tenant.key(id: key.id), current.revokedAt == nil else {
                throw Refusal.conflict(code: "key_revoked", detail: "The key is revoked.")
            }
            let rotated = try tenant.rotateKey(current.id, to: secret, overlapSeconds: overlap)
            detail.resellerID = rotated.resellerID
            detail.note("key", rotated.publicID)
            return minted(rotated, secret, status: 200, in: tenant.currency)
        }
    }

    /// `DELETE …/{id}`: no request passes on this key after the answer (CONTRACT G3). Again: the same answer.
    package static func revoke(_ call: Call, resellerID: Int64?) -> Work {
        .write { tenant, detail in
            guard let key = try tenant.key(publicID: call.parameters[0]), isReachable(key, resellerID) else {
                throw Refusal.notFound("key")
            }
            try guardOwnerKey(key, call)
            if key.revokedAt == nil { try tenant.revokeKey(key.id) }
            detail.resellerID = key.resellerID
            detail.note("key", key.publicID)
            guard let revoked = try tenant.key(id: key.id) else { throw Refusal.defect }
            return .json(KeyBodies.revoked, revoked, in: tenant.currency)
        }
    }

    /// The owner's keys are the owner's: an operator neither rotates, revokes nor limits them.
    package static func guardOwnerKey(_ key: APIKey, _ call: Call) throws(Refusal) {
        guard !key.role.isOwner || call.known.role.isOwner else {
            throw .forbidden(code: "owner_only", detail: "Only the owner changes the owner's keys.")
        }
    }

    private static func isReachable(_ key: APIKey, _ resellerID: Int64?) -> Bool {
        !key.role.isSession && (resellerID == nil || key.resellerID == resellerID)
    }
}
