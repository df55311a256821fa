package import CallKit
package import Cryptography
package import TenantRegistry

/// Whoever has a link sets a password with it, once (O3, O13, P1). Unknown, used and expired links look alike, except
/// to the form that used it: sent twice, it is answered twice (0062).
package struct AcceptLink: Sendable {
    package let kind: AccountLink
    package let tokenHash: Digest
    /// As `Scrypt.hash` gives it, with the link's salt; made off the lane.
    package let passwordHash: String

    package init(_ kind: AccountLink, tokenHash: Digest, passwordHash: String) {
        self.kind = kind
        self.tokenHash = tokenHash
        self.passwordHash = passwordHash
    }

    /// The account that a link is for.
    package static func account(_ kind: AccountLink, _ tokenHash: Digest, _ tenant: TenantReader) throws -> Account {
        guard let account = try tenant.account(linkedBy: tokenHash, kind), try mayEnter(account, tenant) else {
            throw Refusal.notFound(kind.missing)
        }
        return account
    }

    /// The account whose password, as it stands, was set by a link, within its time; nil where none's was.
    package static func user(_ kind: AccountLink, _ tokenHash: Digest, _ tenant: TenantReader) throws -> Account? {
        guard let account = try tenant.account(linkedBy: tokenHash, kind, isUsed: true),
            let hash = account.passwordHash, salt(tokenHash, tenant).isOf(hash), try mayEnter(account, tenant)
        else { return nil }
        return account
    }

    /// Of the password that is set by a link.
    package static func salt(_ tokenHash: Digest, _ tenant: TenantReader) -> PasswordSalt {
        PasswordSalt(for: "account-link:\(tokenHash.hex)", in: tenant)
    }

    private static func mayEnter(_ account: Account, _ tenant: TenantReader) throws -> Bool {
        guard let id = account.resellerID else { return true }
        return try tenant.reseller(id: id)?.state != .terminated
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Account {
        if let user = try Self.user(kind, tokenHash, tenant), user.passwordHash == passwordHash { return user }
        let account = try Self.account(kind, tokenHash, tenant)
        _ = try SetPassword(accountID: account.id, passwordHash: passwordHash).run(tenant, &detail)
        detail.accountID = account.id
        detail.resellerID = account.resellerID
        detail.note("person", account.publicID)
        return account
    }
}

extension AccountLink {
    package var missing: Missing {
        switch self {
        case .invitation: .invitation
        case .passwordReset: .passwordReset
        }
    }
}
