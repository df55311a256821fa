package import CallKit
package import Cryptography
package import TenantRegistry

/// The provider invites the tenant's owner anew (P10): a link, by which a password is set. Links from before die; a
/// password that is there goes on until then.
package struct InviteOwner: Sendable {
    package struct Invited: Sendable {
        package let email: String
        package let until: Timestamp
    }

    package let tokenHash: Digest

    package init(tokenHash: Digest) { self.tokenHash = tokenHash }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Invited {
        let owner = try tenant.owner()
        try tenant.endLinks(account: owner.id)
        let until = try tenant.insertLink(.invitation, account: owner.id, tokenHash: tokenHash)
        // The provider is shown whom it has invited, whatever it was shown before.
        try tenant.projectOwner()
        detail.note("person", owner.publicID)
        return Invited(email: owner.email, until: until)
    }
}

/// The tenant's owner has another address, perhaps because it is somebody else (P10). What the one before could sign in
/// by ends: password, sessions, links. Keys stay: programs have them.
package struct ChangeOwner: Sendable {
    package let email: String
    package let tokenHash: Digest

    package init(to email: String, tokenHash: Digest) {
        self.email = email
        self.tokenHash = tokenHash
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        let owner = try tenant.owner()
        if let other = try tenant.account(email: email), other.id != owner.id {
            throw Refusal.field(
                "/owner_email", "taken",
                "is another account's of this tenant: name an address that nobody has there, come in by its link, make "
                    + "the other account an owner, and disable this one")
        }
        try tenant.setProfile(email: email.lowercased(), name: owner.name, account: owner.id)
        try tenant.projectOwner()
        _ = try SetPassword(accountID: owner.id, passwordHash: nil).run(tenant, &detail)
        try tenant.insertLink(.invitation, account: owner.id, tokenHash: tokenHash)
        detail.note("person", owner.publicID)
    }
}

extension TenantReader {
    /// Whom the provider deals with (P10): the first owner that is active.
    fileprivate func owner() throws -> Account {
        guard let account = try ownerAccount().flatMap({ try account(id: $0) }) else {
            throw Refusal.notFound(.owner)
        }
        return account
    }
}

extension TenantTransaction {
    /// The provider is shown whom it deals with from now on.
    func projectOwner() throws {
        if let email = try ownerEmail() { try project(.owner(email: email)) }
    }
}
