import CallKit
import TenantRegistry

extension Missing {
    static let key = Missing("key")
    static let session = Missing("session")
    static let account = Missing("account")
}

extension Forbidden {
    static let ownerRotates = ownerOnly.saying("Only the tenant's owner rotates the keys of others.")
    static let ownerLetsMint = ownerOnly.saying("Only the tenant's owner lets resellers mint their own keys.")
    static let ownerMints = ownerOnly.saying("Only the tenant's owner mints keys here.")
    static let keyOnly = Forbidden("key_only", "A session may not do this; a key may.")
    static let sessionRotatesByID = keyOnly.saying(
        "This rotates the key that calls; a session rotates a key by its id.")
    static let ownerChangesOwn = ownerOnly.saying("Only the owner changes the owner's keys.")
    static let keyHasNoSession = sessionOnly.saying("A key has no session; this ends sessions.")
}

extension Conflict {
    static let keyRevoked = Conflict("key_revoked", "The key is revoked.")
    static let noLimit = Conflict("no_limit", "The key has no limit of its own.")
    static let lastKey = Conflict(
        "last_key", "This is the owner's last key, and no password is set: without it nobody could come back in.")

    static func keyExpired(_ end: Timestamp) -> Conflict {
        Conflict("key_expired", "The key ended at \(end.text): mint another.")
    }
}
