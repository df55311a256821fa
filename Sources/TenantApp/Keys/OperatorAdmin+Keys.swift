import CallKit
import HTTPCore
import RateLimiter
import TenantRegistry

/// Keys of the whole tenant (O1, O2). Only the owner mints for others.
extension OperatorAdmin {
    static let keys: [Route] = [
        Route(
            .post, "/api-keys", "Mint a key for an account", access: .owner, idempotency: .accepted,
            takes: Schemas.newKey.schema, gives: .made(KeyBodies.minted), refuses: [409]
        ) { call in
            let request = try call.read(Schemas.newKey)
            let secret = call.newSecret(request.book)
            let issue = IssueKey(request: request, secret: secret, issuedBy: call.accountID)
            return .reserving(secret.hash) { tenant, detail in
                KeyAnswers.minted(try issue.run(tenant, &detail), secret, status: 201, in: tenant.currency)
            }
        },
        Route(
            .get, "/api-keys", "List keys", access: .administrator,
            parameters: .page() + AskedKeys.parameters, gives: .list(Schemas.key), refuses: [404]
        ) { call in
            let asked = try AskedKeys(try call.query())
            let page = try Paging(call)
            return .read { tenant in
                let found = try tenant.keys(try asked.filter(tenant), after: page.after, limit: page.limit)
                let owned = try found.rows.map { try tenant.owned($0, call) }
                return page.answer(found: owned, next: found.next, Schemas.key, in: tenant.currency)
            }
        },
        Route(.get, "/api-keys/{id}", "Read a key", access: .administrator, gives: .read(Schemas.key), handle: read),
        Route(
            .delete, "/api-keys/{id}", "Revoke a key", access: .administrator, gives: .done(KeyBodies.revoked),
            refuses: [409]
        ) {
            call in
            KeyAnswers.revoke(call, resellerID: nil)
        },
        Route(
            .post, "/api-keys/{id}/rotate", "Give a key a new secret", access: .administrator, idempotency: .accepted,
            needsNoRoom: true, takes: KeyBodies.rotation().schema, gives: .done(KeyBodies.minted), refuses: [409]
        ) { call in try KeyAnswers.rotate(call, call.parameters[0], resellerID: nil) },
        Route(
            .put, "/api-keys/{id}/limit", "Set a key's own limit", access: .administrator,
            takes: KeyBodies.newLimit.schema,
            gives: .done(Schemas.key), refuses: [409]
        ) { call in
            let limit = try call.read(KeyBodies.newLimit)
            return change(
                ChangeKeyLimit(keyID: call.parameters[0], limit: limit, author: call.limitAuthor), call)
        },
        Route(
            .delete, "/api-keys/{id}/limit", "Take a key's own limit away", access: .administrator,
            gives: .done(Schemas.key), refuses: [409]
        ) { call in
            change(ChangeKeyLimit(keyID: call.parameters[0], limit: nil, author: call.limitAuthor), call)
        },
        Route(
            .get, "/api-keys/{id}/limit", "Read a key with its limit and how much of it is left",
            access: .administrator, gives: .read(Schemas.key), handle: read),
        Route(
            .post, "/api-keys/{id}/limit/reset", "Fill a key's own limit again", access: .administrator,
            gives: .done(Schemas.key), refuses: [409]
        ) { call in
            let fill = FillKeyLimit(keyID: call.parameters[0], bucket: { bucket(of: $0, call) })
            let now = call.services.fleet.monotonic
            return .write { tenant, detail in
                let key = try fill.run(tenant, &detail, now: { now.nanoseconds() }) { key in
                    try KeyAnswers.guardOwnerKey(key, call)
                }
                return .json(Schemas.key, try tenant.owned(key, call, isFull: true), in: tenant.currency)
            }
        },
    ]

    private static func read(_ call: Call) -> Work {
        .read { tenant in
            let key = try tenant.knownKey(call.parameters[0])
            return .json(Schemas.key, try tenant.owned(key, call), in: tenant.currency)
        }
    }

    private static func change(_ change: ChangeKeyLimit, _ call: Call) -> Work {
        .write { tenant, detail in
            let key = try change.run(tenant, &detail) { key in try KeyAnswers.guardOwnerKey(key, call) }
            return .json(Schemas.key, try tenant.owned(key, call), in: tenant.currency)
        }
    }

    /// The bucket that the loops ask, where the key has one.
    fileprivate static func bucket(of key: APIKey, _ call: Call) -> Bucket? {
        call.services.fleet.roster.key(key.id, of: call.tenant.id)?.current.bucket
    }

    /// How much is left of the key's limit now.
    fileprivate static func limit(of key: APIKey, _ call: Call, isFull: Bool) -> KeyBodies.LimitNow? {
        guard let policy = key.limit else { return nil }
        return KeyBodies.LimitNow(
            policy, of: isFull ? nil : bucket(of: key, call), now: call.services.fleet.monotonic.nanoseconds())
    }
}

extension TenantReader {
    /// The key with whose it is.
    func owned(
        _ key: APIKey, _ call: Call, isFull: Bool = false
    ) throws -> OperatorAdmin.Schemas.OwnedKey {
        OperatorAdmin.Schemas.OwnedKey(
            key: key, state: try condition(of: key), limit: OperatorAdmin.limit(of: key, call, isFull: isFull),
            ownerEmail: try account(id: key.accountID)?.email,
            reseller: try key.resellerID.flatMap { try reseller(id: $0) }?.publicID,
            previousValidUntil: try endOfPreviousSecret(ofKey: key.id))
    }
}
