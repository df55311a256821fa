package import CallKit
package import TenantRegistry

/// Gives the dashboard another credential in place of the one that calls (O13). It ends when that one would have; one
/// that had no end gets one.
package struct RotateSession: Sendable {
    package let keyID: Int64
    package let secret: MintedSecret

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> SignIn.Session {
        let end = try tenant.endSessionLater(keyID, in: SessionTerms.dashboardSeconds)
        let key = try tenant.rotateKey(keyID, to: secret, overlapSeconds: 0)
        detail.note("session", key.publicID)
        return SignIn.Session(token: secret.text, expiresAt: end, role: key.role)
    }
}
