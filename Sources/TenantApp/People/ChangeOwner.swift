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

    /// As the provider knows it.
    package let ownerEmail: String
    package let tokenHash: Digest

    package init(ownerEmail: String, tokenHash: Digest) {
        self.ownerEmail = ownerEmail
        self.tokenHash = tokenHash
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Invited {
        let owner = try tenant.owner(email: ownerEmail)
        try tenant.endLinks(account: owner.id)
        let until = try tenant.insertLink(.invitation, account: owner.id, tokenHash: tokenHash)
        detail.note("person", owner.publicID)
        return Invited(email: owner.email, until: until)
    }
}

/// The tenant's owner has another address, perhaps because it is somebody else (P10). What the one before could sign in
/// by ends: password, sessions, links. Keys stay: programs have them.
package struct ChangeOwner: Sendable {
    package let before: String
    package let email: String
    package let tokenHash: Digest

    package init(from before: String, to email: String, tokenHash: Digest) {
        self.before = before
        self.email = email
        self.tokenHash = tokenHash
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        let owner = try tenant.owner(email: before)
        if let other = try tenant.account(email: email), other.id != owner.id {
            throw Refusal.field("/owner_email", "taken", "is another account's of this tenant")
        }
        try tenant.setProfile(email: email.lowercased(), name: owner.name, account: owner.id)
        _ = try SetPassword(accountID: owner.id, passwordHash: nil).run(tenant, &detail)
        try tenant.insertLink(.invitation, account: owner.id, tokenHash: tokenHash)
        detail.note("person", owner.publicID)
    }
}

extension TenantReader {
    /// The owner whom the provider knows by this address; else the first.
    fileprivate func owner(email: String) throws -> Account {
        if let account = try account(email: email), account.role == .owner, account.state == .active {
            return account
        }
        guard let account = try ownerAccount().flatMap({ try account(id: $0) }) else {
            throw Refusal.notFound(.owner)
        }
        return account
    }
}
