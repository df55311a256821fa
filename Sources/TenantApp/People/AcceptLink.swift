package import CallKit
package import Cryptography
package import TenantRegistry

/// Whoever has a link sets a password with it, once (O3, O13, P1). Unknown, used and expired links look alike.
package struct AcceptLink: Sendable {
    package let kind: AccountLink
    package let tokenHash: Digest
    /// As `Scrypt.hash` gives it; made off the lane.
    package let passwordHash: String

    package init(_ kind: AccountLink, tokenHash: Digest, passwordHash: String) {
        self.kind = kind
        self.tokenHash = tokenHash
        self.passwordHash = passwordHash
    }

    /// The account that a link is for.
    package static func account(_ kind: AccountLink, _ tokenHash: Digest, _ tenant: TenantReader) throws -> Account {
        guard let account = try tenant.account(linkedBy: tokenHash, kind) else { throw Refusal.notFound(kind.missing) }
        if let id = account.resellerID, try tenant.reseller(id: id)?.state == .terminated {
            throw Refusal.notFound(kind.missing)
        }
        return account
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Account {
        let account = try Self.account(kind, tokenHash, tenant)
        _ = try SetPassword(accountID: account.id, passwordHash: passwordHash).run(tenant, &detail)
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
