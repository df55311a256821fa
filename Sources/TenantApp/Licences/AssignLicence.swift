package import CallKit
package import TenantRegistry

/// Gives a licence to an end customer, once (L4): to the same one again is no change, to another a conflict.
/// Another reseller's licence is unknown.
package struct AssignLicence: Sendable {
    package static let userCharactersMax = 64

    package let licenceKey: String
    package let discordUserID: String
    package let resellerID: Int64
    package let book: Book
    package let keyID: Int64

    package init(licenceKey: String, discordUserID: String, resellerID: Int64, book: Book, keyID: Int64) {
        self.licenceKey = licenceKey
        self.discordUserID = discordUserID
        self.resellerID = resellerID
        self.book = book
        self.keyID = keyID
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        guard let licence = try tenant.licence(key: licenceKey, resellerID: resellerID, book: book) else {
            throw Refusal.notFound(.licence)
        }
        if let assignee = try tenant.assignee(ofLicence: licence.id) {
            guard assignee == discordUserID else {
                throw Refusal.conflict(.licenceAssigned)
            }
            return
        }
        guard licence.expiresAt > tenant.now else {
            throw Refusal.conflict(.licenceExpired)
        }
        try tenant.assignLicence(licence.id, to: discordUserID, keyID: keyID, detail: &detail)
        detail.note("licence", String(licence.id))
    }
}
