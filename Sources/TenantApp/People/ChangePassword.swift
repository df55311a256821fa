package import CallKit
package import TenantRegistry

/// Somebody who knows the old password sets a new one (O13).
package struct ChangePassword: Sendable {
    /// As it was when the old password was found right.
    package let judged: Account
    package let passwordHash: String
    /// From where it was: it is known from now on.
    package let place: KnownPlace

    package init(judged: Account, passwordHash: String, place: KnownPlace) {
        self.judged = judged
        self.passwordHash = passwordHash
        self.place = place
    }

    /// How many sessions were ended.
    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Int {
        // Another one may have been set meanwhile (G3).
        guard let account = try tenant.account(id: judged.id), account.passwordHash == judged.passwordHash else {
            throw Refusal.wrongOldPassword
        }
        let ended = try SetPassword(accountID: account.id, passwordHash: passwordHash).run(tenant, &detail)
        try tenant.remember(place, of: account.id)
        detail.resellerID = account.resellerID
        detail.note("person", account.publicID)
        return ended
    }
}

extension Refusal {
    package static let wrongOldPassword = Refusal.field("/old", "wrong", "is not the password")
}
