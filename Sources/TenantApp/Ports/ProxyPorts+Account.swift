import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// Signing in, and keys of one's own (X1).
extension ProxyPorts {

    static let account: [Route] = [
        Route(
            .post, "/login/signin", "Sign in", access: .open, openCalls: .signIns, needsNoRoom: true,
            takes: KeyBodies.credentials.schema, gives: .done(Schemas.session), refuses: [401]
        ) { call in
            let (email, password) = try call.read(KeyBodies.credentials)
            return SignIn.work(call, email: email, password: password, roles: [.reseller]) { session, _ in
                .json(Schemas.session, session, in: call.currency)
            }
        },
        Route(.get, "/reseller/balance", "Read your balance", access: .reseller([]), gives: .read(Schemas.balance)) {
            call in
            .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                let balances = try tenant.balances(of: reseller, book: call.book)
                return .json(Schemas.balance, balances, in: tenant.currency)
            }
        },
    ]

    /// Keys of one's own, where somebody is signed in, and the ends of it (O13).
    static let sessions: [Route] =
        [
            Route(
                .post, "/login/signout", "Sign out", access: .resellerSession, openIn: [.pending, .suspended],
                endsForGood: true, gives: .done(Schemas.ended)
            ) { call in
                .write { tenant, _ in
                    try tenant.revokeKey(call.keyID)
                    return .json(Schemas.ended, 1, in: tenant.currency)
                }
            }
        ] + AccountRoutes(.ports, keysPath: "/api-keys", keysName: "apiKeys", newKey: Schemas.newKey).all
}
