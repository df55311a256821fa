import CallKit
import HTTPCore
import TenantRegistry

/// Signing in, keys of one's own, and a key that gives itself a new secret (C5). The owner mints, until it lets
/// resellers do so.
extension CreditReports {
    static let account: [Route] =
        [
            Route(
                .post, "/session", "Sign in", access: .open, openCalls: .signIns,
                takes: KeyBodies.credentials.schema, gives: .done(Schemas.session), refuses: [401]
            ) { call in
                let (email, password) = try call.read(KeyBodies.credentials)
                return SignIn.work(call, email: email, password: password, roles: [.reseller]) { session in
                    .json(Schemas.session, session, in: call.currency)
                }
            },
            Route(
                .delete, "/session", "Sign out", access: .resellerSession, openIn: [.pending, .suspended],
                gives: .done(Schemas.ok)
            ) { call in
                .write { tenant, _ in
                    try tenant.revokeKey(call.keyID)
                    return .json(Schemas.ok, (), in: tenant.currency)
                }
            },
        ] + own.all + [own.rotateByItself]

    private static let own = AccountRoutes(.reports, newKey: Schemas.newKey, needsLeave: true)
}
