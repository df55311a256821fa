package import CallKit
import HTTPCore
import TenantRegistry

/// What a reseller's person does with its account in one API: keys of its own, where it is signed in, and its
/// password (O13, W11, X1, C5, L6). The same calls in each, in its own words. A suspended reseller's person may look,
/// and sign out.
package struct AccountRoutes: Sendable {
    let shapes: AccountShapes
    /// `/keys`, or what the product document calls it; and the list's name.
    let keysPath: String
    let keysName: StaticString
    let newKey: Body<MintOwnKey.Request>
    /// Whether the tenant's owner lets resellers mint (C5); elsewhere they may.
    let needsLeave: Bool

    package init(
        _ style: AccountShapes.Style, keysPath: String = "/keys", keysName: StaticString = "keys",
        newKey: Body<MintOwnKey.Request>, needsLeave: Bool = false
    ) {
        shapes = AccountShapes(style)
        self.keysPath = keysPath
        self.keysName = keysName
        self.newKey = newKey
        self.needsLeave = needsLeave
    }

    package var all: [Route] { [mint, list, rotate, revoke] + sessions + [password] }

    // MARK: Signing in

    /// `/session`: a token for the account, and its end (C5, L6). `session`: how the API writes it.
    package func signingIn(_ summary: String, _ session: Shape<SignIn.Session>) -> [Route] {
        let done = Shape<Void>([.ok])
        return [
            Route(
                .post, "/session", summary, access: .open, openCalls: .signIns, needsNoRoom: true,
                takes: KeyBodies.credentials.schema, gives: .done(session), refuses: [401]
            ) { call in
                let (email, password) = try call.read(KeyBodies.credentials)
                return SignIn.work(call, email: email, password: password, roles: [.reseller]) { begun, _ in
                    .json(session, begun, in: call.currency)
                }
            },
            Route(
                .delete, "/session", "Sign out", access: .resellerSession, openIn: [.pending, .suspended],
                gives: .done(done)
            ) { call in
                .write { tenant, _ in
                    try tenant.revokeKey(call.keyID)
                    return .json(done, (), in: tenant.currency)
                }
            },
        ]
    }

    // MARK: Keys

    private var mint: Route {
        let (shapes, newKey, needsLeave) = (shapes, newKey, needsLeave)
        return Route(
            .post, keysPath, "Mint a key of your own; before you are approved, a test key", access: .resellerSession,
            idempotency: .accepted, openIn: [.pending], takes: newKey.schema, gives: .made(shapes.minted)
        ) { call in
            let request = try call.read(newKey)
            let secret = call.newSecret(request.book)
            let mint = MintOwnKey(
                request: request, secret: secret, resellerID: call.resellerID, accountID: call.accountID,
                needsLeave: needsLeave)
            return .reserving(secret.hash) { tenant, detail in
                let key = try mint.run(tenant, &detail)
                return KeyAnswers.minted(key, secret, status: 201, shapes.minted, in: tenant.currency)
            }
        }
    }

    private var list: Route {
        let (shapes, name) = (shapes, keysName)
        return Route(
            .get, keysPath, "List your keys", access: .resellerSession, openIn: [.pending],
            parameters: .page(KeyState.parameter), gives: shapes.list(name.description, shapes.key)
        ) { call in
            let page = try Paging(call)
            let state = try call.query().choice("state", as: KeyState.self)
            return .read { tenant in
                let rows = try tenant.keys(
                    resellerID: call.resellerID, state: state, after: page.after, limit: page.fetch)
                return shapes.answer(name, rows, page, id: \.id, shapes.key, in: tenant.currency)
            }
        }
    }

    private var rotate: Route {
        let shapes = shapes
        return Route(
            .post, "\(keysPath)/{id}/rotate", "Give a key of yours a new secret", access: .resellerSession,
            idempotency: .accepted, openIn: [.pending], needsNoRoom: true,
            takes: KeyBodies.rotation(isCamel: shapes.style.isCamel).schema, gives: .done(shapes.minted),
            refuses: [409]
        ) { call in
            try KeyAnswers.rotate(
                call, call.parameters[0], resellerID: call.resellerID, shapes.minted, isCamel: shapes.style.isCamel)
        }
    }

    /// `POST …/key/rotate`: by the key itself, for shops that nobody signs in to.
    package var rotateByItself: Route {
        let shapes = shapes
        return Route(
            .post, "/key/rotate", "Give the key that calls a new secret", access: .reseller([]), moves: .oneBook,
            idempotency: .accepted, needsNoRoom: true,
            takes: KeyBodies.rotation(isCamel: shapes.style.isCamel).schema, gives: .done(shapes.minted),
            refuses: [409]
        ) { call in
            try call.judgeIsKey(or: .sessionRotatesByID)
            let own = call.known.projection.publicID
            return try KeyAnswers.rotate(
                call, own, resellerID: call.resellerID, shapes.minted, isCamel: shapes.style.isCamel)
        }
    }

    private var revoke: Route {
        let shapes = shapes
        return Route(
            .delete, "\(keysPath)/{id}", "Revoke a key of yours", access: .resellerSession, openIn: [.pending],
            gives: .done(shapes.revoked)
        ) { call in KeyAnswers.revoke(call, resellerID: call.resellerID, shapes.revoked) }
    }

    // MARK: Sessions

    private var sessions: [Route] {
        let (shapes, one) = (shapes, one)
        return [
            Route(
                .get, "/account/sessions", "List where you are signed in", access: .resellerSession,
                openIn: [.pending], parameters: .page(), gives: shapes.list("sessions", shapes.session)
            ) { call in
                try SessionAnswers.list(call, of: call.ownSessions) { tenant, rows, page in
                    shapes.answer("sessions", rows, page, id: \.key.id, shapes.session, in: tenant.currency)
                }
            },
            Route(
                .delete, "/account/sessions", "End your sessions, all but this one", access: .resellerSession,
                openIn: [.pending, .suspended], gives: .done(shapes.ended)
            ) { call in
                SessionAnswers.endOthers(call, of: call.ownSessions) { .json(shapes.ended, $0, in: $1) }
            },
            Route(
                .delete, "/account/sessions/{id}", "End one of your sessions", access: .resellerSession,
                openIn: [.pending, .suspended], gives: one.success
            ) { call in
                SessionAnswers.end(
                    call, call.parameters[0], of: call.ownSessions, answer: one.answer(call.currency))
            },
        ]
    }

    // MARK: The password

    private var password: Route {
        let shapes = shapes
        return Route(
            .post, "/account/password", "Set a new password; all of your sessions end", access: .resellerSession,
            openIn: [.pending, .suspended], needsNoRoom: true, takes: PersonBodies.passwordChange.schema,
            gives: .done(shapes.changed), refuses: [409]
        ) { call in
            let (old, new) = try call.read(PersonBodies.passwordChange)
            return PasswordAnswers.change(call, old: old, new: new) { .json(shapes.changed, $0, in: $1) }
        }
    }

    /// What ending one session is answered with.
    private var one: (success: Success, answer: @Sendable (Currency) -> Answer) {
        let shapes = shapes
        switch shapes.style {
        case .native: return (.nothing, { _ in .noContent })
        case .ports: return (.done(shapes.ended), { .json(shapes.ended, 1, in: $0) })
        case .codes, .reports, .licences:
            let ok = Shape<Void>([.ok])
            return (.done(ok), { .json(ok, (), in: $0) })
        }
    }
}

extension Call {
    /// For what a session of a reseller may not do and its key may.
    func judgeIsKey(or refusal: Forbidden) throws(Refusal) {
        guard !known.role.isSession else { throw .forbidden(refusal) }
    }
}
