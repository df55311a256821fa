package import CallKit
package import RateLimiter
package import TenantRegistry

/// Mints a key for an account by its e-mail address (O1): the account decides what the key speaks for. A
/// reseller's account gets a reseller's key, the owner's and operators' accounts an operator's, support's its own. A
/// person's key may be asked to do less than the person.
package struct IssueKey: Sendable {
    package enum Role: String, Sendable, CaseIterable {
        case `operator`
        case support
        case reseller

        fileprivate var keyRole: KeyRole {
            switch self {
            case .operator: .operator
            case .support: .support
            case .reseller: .reseller
            }
        }
    }

    package struct Request: Sendable {
        package var email: String
        package var role: Role?
        /// Nil: all scopes of the tenant's dialects.
        package var scopes: Scopes?
        package var book: Book
        package var name: String?
        package var expiresAt: Timestamp?
        package var limit: Policy?
    }

    package let request: Request
    package let secret: MintedSecret
    /// The account of whoever mints.
    package let issuedBy: Int64

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> APIKey {
        guard let account = try tenant.account(email: request.email) else {
            throw Refusal.field("/owner_email", "unknown", "is no account of this tenant")
        }
        guard account.state == .active else { throw Refusal.conflict(.personDisabled) }
        let possible: [Role] =
            switch account.role {
            case .owner, .operator: [.operator, .support]
            case .support: [.support]
            case .reseller: [.reseller]
            }
        let role = request.role ?? possible[0]
        guard possible.contains(role) else {
            let names = possible.map(\.rawValue).joined(separator: " or ")
            throw Refusal.field("/role", "choice", "an account of this kind has keys of the role \(names)")
        }
        let offered = try tenant.scopesOffered()
        if let scopes = request.scopes, !offered.bits.isSuperset(of: scopes) {
            throw Refusal.field("/scopes", "choice", "must be names out of \(offered.names.joined(separator: ", "))")
        }
        let state = try account.resellerID.flatMap { try tenant.reseller(id: $0) }?.state
        if state == .terminated { throw Refusal.conflict(.terminatedGetsNoKeys) }
        if state == .pending, request.book == .live { throw Refusal.conflict(.pendingGetsNoLiveKeys) }
        var new = NewKey(
            accountID: account.id, resellerID: account.resellerID, role: role.keyRole,
            scopes: request.scopes ?? offered.bits, display: secret.display, createdBy: issuedBy)
        new.book = request.book
        new.name = request.name
        new.expiresAt = request.expiresAt
        new.limit = request.limit
        return try MintKey(secret: secret, new: new).run(tenant, &detail)
    }
}
