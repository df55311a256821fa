import CallKit

extension Missing {
    static let key = Missing("key")
}

extension Forbidden {
    static let ownerRotates = ownerOnly.saying("Only the tenant's owner rotates the keys of others.")
    static let ownerChangesOwn = ownerOnly.saying("Only the owner changes the owner's keys.")
    static let keyHasNoSession = sessionOnly.saying("A key has no session; this ends sessions.")
}

extension Conflict {
    static let keyRevoked = Conflict("key_revoked", "The key is revoked.")
}
