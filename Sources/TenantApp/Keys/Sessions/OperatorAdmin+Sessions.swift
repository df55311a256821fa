import CallKit
import HTTPCore
import TenantRegistry

/// Signing in and out, and who is signed in: one's own sessions, a reseller's, everybody's (O13).
extension OperatorAdmin {
    static let sessions: [Route] = [
        Route(
            .post, "/session", "Sign in as one of the tenant's people", access: .open, openCalls: .signIns,
            needsNoRoom: true, takes: KeyBodies.credentials.schema,
            gives: .done(KeyBodies.session), refuses: [401]
        ) { call in
            let (email, password) = try call.read(KeyBodies.credentials)
            return SignIn.work(call, email: email, password: password, roles: [.owner, .operator, .support])
        },
        Route(
            .delete, "/session", "Sign out", access: .administrator, isOpenToSupport: true, gives: .nothing
        ) { call in
            // A key is revoked by its id, not by signing out with it.
            guard call.known.role.isSession else {
                throw Refusal.forbidden(.keyHasNoSession)
            }
            return .write { tenant, _ in
                try tenant.revokeKey(call.keyID)
                return .noContent
            }
        },
        Route(
            .get, "/account/sessions", "List where your account is signed in", access: .administrator,
            parameters: .page(), gives: .list(SessionBodies.session)
        ) { call in
            try SessionAnswers.list(call, of: call.ownSessions) { tenant, rows, page in
                page.answer(rows, id: \.key.id, SessionBodies.session, in: tenant.currency)
            }
        },
        Route(
            .delete, "/account/sessions", "End your account's sessions, all but this one", access: .administrator,
            isOpenToSupport: true,
            gives: .done(SessionBodies.ended)
        ) { call in SessionAnswers.endOthers(call, of: call.ownSessions) { .json(SessionBodies.ended, $0, in: $1) } },
        Route(
            .delete, "/account/sessions/{id}", "End one of your account's sessions", access: .administrator,
            isOpenToSupport: true, gives: .nothing
        ) { call in SessionAnswers.end(call, call.parameters[0], of: call.ownSessions) },
        Route(
            .get, "/sessions", "List who is signed in", access: .administrator,
            parameters: .page(Schemas.reseller, .query("email")), gives: .list(SessionBodies.owned), refuses: [404]
        ) { call in
            let query = try call.query()
            let (reseller, email) = (try query.id("reseller"), try query.email("email"))
            return try SessionAnswers.list(call) { tenant in
                let resellerID = try tenant.resellerID(filter: reseller)
                guard let email else { return resellerID.map { .reseller($0) } ?? .everybody }
                let account = try tenant.account(email: email)
                let isTheirs = resellerID == nil || account?.resellerID == resellerID
                // Nobody's account has the id 0.
                return .account(isTheirs ? account?.id ?? 0 : 0)
            } _: { tenant, rows, page in
                try answer(rows, page, tenant)
            }
        },
        Route(.delete, "/sessions/{id}", "End a session", access: .administrator, gives: .nothing) { call in
            SessionAnswers.end(call, call.parameters[0]) { _ in .everybody }
        },
        Route(
            .get, "/resellers/{id}/sessions", "List where a reseller is signed in", access: .administrator,
            parameters: .page(), gives: .list(SessionBodies.owned)
        ) { call in
            try SessionAnswers.list(call, of: ofReseller(call)) { tenant, rows, page in
                try answer(rows, page, tenant)
            }
        },
        Route(
            .delete, "/resellers/{id}/sessions", "Sign a reseller out everywhere", access: .administrator,
            gives: .done(SessionBodies.ended)
        ) { call in SessionAnswers.endOthers(call, of: ofReseller(call)) { .json(SessionBodies.ended, $0, in: $1) } },
        Route(
            .delete, "/resellers/{id}/sessions/{session}", "End one of a reseller's sessions", access: .administrator,
            gives: .nothing
        ) { call in SessionAnswers.end(call, call.parameters[1], of: ofReseller(call)) },
    ]

    private static func ofReseller(_ call: Call) -> SessionAnswers.Finding {
        let id = call.parameters[0]
        return { tenant in .reseller(try tenant.knownReseller(id).id) }
    }

    private static func answer(
        _ rows: [SessionAnswers.Listed], _ page: Paging, _ tenant: TenantReader
    ) throws -> Answer {
        let owned = try rows.map { row in
            SessionBodies.Owned(
                listed: row, email: try tenant.account(id: row.key.accountID)?.email,
                reseller: try row.key.resellerID.flatMap { try tenant.reseller(id: $0) }?.publicID)
        }
        return page.answer(owned, id: \.listed.key.id, SessionBodies.owned, in: tenant.currency)
    }
}
