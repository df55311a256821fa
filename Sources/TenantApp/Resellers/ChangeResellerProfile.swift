package import CallKit
import HTTPCore
package import TenantRegistry

/// Changes who a reseller is, and what operators note of it (O3): what is nil stays as it is. Its person signs in by
/// the new address from the answer on, and links that were sent to the old one open nothing.
package struct ChangeResellerProfile: Sendable {
    package static let notesCharactersMax = 4_000

    package let resellerID: String
    package var email: String?
    package var name: String?
    /// `.some(nil)` takes it away.
    package var company: String??
    package var notes: String??

    package init(resellerID: String) { self.resellerID = resellerID }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Reseller {
        var reseller = try tenant.knownReseller(resellerID)
        let isProfile = email != nil || name != nil || company != nil
        // Why it was terminated is noted afterwards, and its address may be needed for another: anybody may apply
        // with it.
        if name != nil || company != nil, reseller.state == .terminated {
            throw Refusal.conflict(.resellerTerminated)
        }
        detail.resellerID = reseller.id
        if let notes {
            try tenant.setNotes(notes, reseller: reseller.id)
            detail.note("notes", notes == nil ? "none" : "changed")
        }
        guard isProfile else { return reseller }
        let account = try tenant.account(of: reseller)
        if let email, email != reseller.email {
            guard try tenant.account(email: email).map({ $0.id == account.id }) ?? true else {
                throw Refusal.conflict(.emailTaken)
            }
            // Another spelling is the same address.
            if !EmailAddress.areOne(email, reseller.email) {
                try tenant.endLinks(account: account.id)
                detail.note("email", "changed")
            }
            reseller.email = email
        }
        if let name {
            reseller.name = name
            detail.note("name", "changed")
        }
        if let company {
            reseller.company = company
            detail.note("company", company == nil ? "none" : "changed")
        }
        try tenant.setProfile(email: reseller.email, name: reseller.name, account: account.id)
        return try tenant.saveProfile(of: reseller)
    }
}
