import CallKit
import TenantRegistry

/// Makes a link by which a person sets a new password (O13). A disabled one gets none.
struct IssueResetLink: Sendable {
    let token: LinkToken

    /// Gives the link's end.
    func run(for account: Account, _ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Timestamp {
        guard account.state == .active else { throw Refusal.conflict(.personDisabled) }
        detail.resellerID = account.resellerID
        detail.note("person", account.publicID)
        return try tenant.insertLink(.passwordReset, account: account.id, tokenHash: token.hash)
    }
}
