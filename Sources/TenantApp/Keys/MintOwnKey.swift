package import CallKit
package import TenantRegistry

/// A reseller's person mints a key for the reseller (W11, X1, C5, L6): live ones once it is active, test ones before,
/// where the tenant lets those who wait for approval try (W12).
package struct MintOwnKey: Sendable {
    /// What is asked for.
    package struct Request: Sendable {
        package var name: String?
        package var scopes: Scopes
        package var book: Book
        package var expiresAt: Timestamp?

        package init(name: String?, scopes: Scopes, book: Book, expiresAt: Timestamp?) {
            self.name = name
            self.scopes = scopes
            self.book = book
            self.expiresAt = expiresAt
        }
    }

    package let request: Request
    package let secret: MintedSecret
    package let resellerID: Int64
    package let accountID: Int64
    /// Where resellers mint only if the tenant's owner lets them (C5).
    package let needsLeave: Bool

    package init(request: Request, secret: MintedSecret, resellerID: Int64, accountID: Int64, needsLeave: Bool) {
        self.request = request
        self.secret = secret
        self.resellerID = resellerID
        self.accountID = accountID
        self.needsLeave = needsLeave
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> APIKey {
        if needsLeave, try !tenant.allowsSelfServiceKeys() { throw Refusal.forbidden(.ownerMints) }
        try tenant.judgeOwnSecrets(resellerID: resellerID, book: request.book)
        var new = NewKey(
            accountID: accountID, resellerID: resellerID, role: .reseller, scopes: request.scopes,
            display: secret.display, createdBy: accountID)
        new.book = request.book
        new.name = request.name
        new.expiresAt = request.expiresAt
        return try MintKey(secret: secret, new: new).run(tenant, &detail)
    }
}

extension TenantReader {
    /// Throws where the reseller's person gets no secret for this book: whoever waits for approval has the test book
    /// alone, and that where the tenant has a sandbox (W1, W12).
    package func judgeOwnSecrets(resellerID: Int64, book: Book) throws {
        guard let reseller = try reseller(id: resellerID) else { throw Refusal.unknownCredential }
        if reseller.state == .active { return }
        guard reseller.state == .pending, try offersSandbox() else { throw Refusal.forbidden(.resellerHasNoKeys) }
        guard book == .test else { throw Refusal.forbidden(.pendingHasTestKeys) }
    }
}
