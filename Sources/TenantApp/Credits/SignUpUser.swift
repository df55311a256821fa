package import CallKit
package import TenantRegistry

/// A reseller signs an end customer up on the operator's panel (C2). The key that did it is recorded.
package struct SignUpUser: Sendable {
    package let email: String
    package let name: String
    /// As `Scrypt.hash` gives it; made off the lane.
    package let passwordHash: String
    package let resellerID: Int64
    package let keyID: Int64
    package let book: Book

    package init(email: String, name: String, passwordHash: String, resellerID: Int64, keyID: Int64, book: Book) {
        self.email = email
        self.name = name
        self.passwordHash = passwordHash
        self.resellerID = resellerID
        self.keyID = keyID
        self.book = book
    }

    /// Returns the user's id.
    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Int64 {
        guard try !tenant.isKnownOnPanel(email: email, book: book) else {
            throw Refusal.conflict(.userExists)
        }
        let id = try tenant.insertPanelUser(
            email: email, name: name, passwordHash: passwordHash, resellerID: resellerID, keyID: keyID, book: book)
        detail.note("user", String(id))
        return id
    }
}
