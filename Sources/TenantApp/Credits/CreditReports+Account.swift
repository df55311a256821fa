import CallKit

/// Signing in, keys of one's own, and a key that gives itself a new secret (C5). The owner mints, until it lets
/// resellers do so.
extension CreditReports {
    static let account: [Route] =
        own.signingIn("Sign in", Schemas.session) + own.all + [own.rotateByItself]

    private static let own = AccountRoutes(.reports, newKey: Schemas.newKey, needsLeave: true)
}
