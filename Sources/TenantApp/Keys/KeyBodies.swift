package import CallKit
import HTTPCore
package import RateLimiter
import TenantRegistry

/// Keys, limits and sessions on the wire, for the operator's API and the resellers' own.
package enum KeyBodies {
    // MARK: Taken

    /// `{requests, window_seconds, burst?}`; burst defaults to requests (O2). An empty bucket has to be full
    /// again within `Policy.fullAgainSecondsMax`.
    package static let newLimit = Body(
        Field.integer("requests", 1...Int64(Policy.requestsMax)),
        Field.integer("window_seconds", 1...Int64(Policy.windowSecondsMax)),
        Field.integer("burst", 1...Int64(Policy.burstMax)).optional
    ).made { (value, fields) -> Policy? in
        let (requests, window, burst) = value
        if let policy = Policy(requests: Int(requests), windowSeconds: Int(window), burst: Int(burst ?? requests)) {
            return policy
        }
        fields.fail("burst", code: "range", detail: "a burst at this rate would take too long to fill again")
        return nil
    }

    /// How long the old secret of a key lives beside the new one.
    package static func rotation(isCamel: Bool = false) -> Body<Int64> { overlap(or: 0, isCamel: isCamel) }

    /// How long an old secret lives beside the new one. A dialect that writes camelCase takes both names, as it passes
    /// over members that it does not know: a name that is not its own would change nothing and say nothing.
    static func overlap(or seconds: Int64, isCamel: Bool) -> Body<Int64> {
        let native = Field.integer("overlap_seconds", 0...KeyAnswers.overlapSecondsMax)
        guard isCamel else { return Body(native.or(seconds)).omittable }
        return Body(Field.integer("overlapSeconds", 0...KeyAnswers.overlapSecondsMax).optional, native.optional)
            .map { $0 ?? $1 ?? seconds }.omittable
    }

    package static let credentials = Body(
        Field.knownEmail("email"), Field.password("password", 1...PasswordRule.charactersMax))

    // MARK: Given

    package static let limit = Shape<Policy>([
        .member("requests", \.requests), .member("window_seconds", \.windowSeconds), .member("burst", \.burst),
    ])

    /// A limit and how much of it is left (O2).
    package struct LimitNow: Sendable {
        package let policy: Policy
        /// Whole requests that would pass at once.
        package let remaining: Int
        /// Seconds until all of the burst is there again.
        package let resetSeconds: Int

        /// As the loops have it in `bucket`; a change of the limit is shown as it stands after its commit,
        /// rescaled. Nil: it is full.
        init(_ policy: Policy, of bucket: Bucket?, now: UInt64) {
            let standing = bucket?.standing(under: policy, now: now)
            self.policy = policy
            remaining = standing?.remaining ?? policy.burst
            resetSeconds = standing?.resetSeconds ?? 0
        }

        /// How much is left of the limit that all of a reseller's keys share.
        init(of reseller: Reseller, _ call: Call) {
            let fleet = call.services.fleet
            let bucket = fleet.roster.reseller(reseller.id, of: call.tenant.id)?.bucket
            self.init(reseller.limit, of: bucket, now: fleet.monotonic.nanoseconds())
        }
    }
    package static let limitNow = Shape<LimitNow>([
        .part(limit.members, \.policy), .member("remaining", \.remaining), .member("reset", \.resetSeconds),
    ])

    /// A key's members before and behind its limit.
    package static let keyHead: [Shape<APIKey>.Member] = [
        .member("id", \.publicID), .member("prefix", \.display.prefix), .member("name", \.name),
        .member("role", \.role.name), .member("mode", \.book), .member("scopes", \.scopes.names),
    ]
    package static let keyTail: [Shape<APIKey>.Member] = [
        .member("created_at", \.createdAt), .member("expires_at", \.expiresAt), .member("revoked_at", \.revokedAt),
    ]
    private static let keyMembers = keyHead + [.objectOrNull("limit", limit, \.limit)] + keyTail
    package static let key = Shape<APIKey>("Key", keyMembers)

    /// A key that has a new secret.
    package struct Minted: Sendable {
        let key: APIKey
        /// Shown once; a replay has `already_shown` in place of it.
        let secret: String?
    }
    package static let minted = Shape<Minted>(
        "MintedKey",
        [
            .ok, .omittable("key", \.secret), .alreadyShown, .part(keyMembers, \.key),
        ])
    package static let revoked = Shape<APIKey>("RevokedKey", [.ok] + keyMembers)

    package static let session = Shape<SignIn.Session>(
        "Session",
        [
            .member("token", \.token), .member("token_type", as: .one(of: ["Bearer"])) { _ in "Bearer" },
            .member("expires_at", \.expiresAt), .member("role", \.role.name),
        ])
}
