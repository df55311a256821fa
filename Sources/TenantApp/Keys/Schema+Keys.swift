package import CallKit
import HTTPCore
import RateLimiter
import TenantRegistry

/// Keys, limits and sessions as `KeyAnswers`, `FieldReader.policy` and `SignIn` have them.
extension Schema {
    package static let limit: Schema = ["requests": .integer, "window_seconds": .integer, "burst": .integer]

    /// Besides, an empty bucket has to be full again within `Policy.fullAgainSecondsMax`.
    package static let newLimit: Schema = [
        "requests": .integer(1...Int64(Policy.requestsMax)),
        "window_seconds": .integer(1...Int64(Policy.windowSecondsMax)),
        "burst": .integer(1...Int64(Policy.burstMax)).optional,
    ]

    package static let keyMembers: Schema = [
        "id": .string, "prefix": .string, "name": .string.nullable, "role": .string, "mode": .book,
        "scopes": .array(of: .string), "limit": limit.nullable, "created_at": .time, "expires_at": .time.nullable,
        "revoked_at": .time.nullable,
    ]
    package static let key = named("Key", keyMembers)

    /// Shown once; a replay has `already_shown` in place of the key.
    package static let mintedKey = named(
        "MintedKey", ["ok": .boolean, "key": .string.omittable, "already_shown": .boolean.omittable] + keyMembers)
    package static let revokedKey = named("RevokedKey", ["ok": .boolean] + keyMembers)
    package static let rotation: Schema = ["overlap_seconds": .integer(0...KeyAnswers.overlapSecondsMax).optional]

    package static let session = named(
        "Session", ["token": .string, "token_type": .one(of: ["Bearer"]), "expires_at": .time, "role": .string])
}
