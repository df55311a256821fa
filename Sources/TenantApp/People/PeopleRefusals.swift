package import CallKit

extension Missing {
    package static let owner = Missing("owner")
    static let person = Missing("person")
}

extension Forbidden {
    static let ownerChangesPassword = ownerOnly.saying("Only the owner changes the owner's password.")
}

extension Conflict {
    static let lastOwner = Conflict(
        "last_owner", "This is the last owner who can come in: make another one first, and let it set its password.")
    static let noPassword = Conflict(
        "no_password", "This account has no password yet; its first one is set through an invitation's link.")
}
