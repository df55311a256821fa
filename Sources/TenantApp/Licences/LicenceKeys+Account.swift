import CallKit
import HTTPCore
import TenantRegistry

/// Signing in, and keys of one's own (L6). A token stands where a key does: in `api_token`.
extension LicenceKeys {
    static let account: [Route] =
        [
            Route(
                .post, "/session", "Sign in; the token is an api_token for your account", access: .open,
                openCalls: .signIns, takes: KeyBodies.credentials.schema, gives: .done(Schemas.session), refuses: [401]
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
        ] + AccountRoutes(.licences, newKey: Schemas.newKey).all
}
