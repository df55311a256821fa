package import CallKit
package import TenantRegistry

/// An account has a new password, and whatever the old one opened ends: its sessions, its open links, and the places
/// that were known for it (O13, G3). Keys stay.
package struct SetPassword: Sendable {
    package let accountID: Int64
    /// As `Scrypt.hash` gives it; made off the lane. Nil: nobody signs in until a link sets one.
    package let passwordHash: String?

    package init(accountID: Int64, passwordHash: String?) {
        self.accountID = accountID
        self.passwordHash = passwordHash
    }

    /// How many sessions were ended.
    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Int {
        try tenant.setPasswordHash(passwordHash, account: accountID)
        try tenant.endLinks(account: accountID)
        try tenant.forgetPlaces(of: accountID)
        return try EndSessions(.account(accountID), sparingOwner: false, but: 0).run(tenant, limit: .max, &detail)
    }
}
