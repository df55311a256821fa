package import CallKit
import Cryptography
import HTML
package import HTTPCore
import PageKit
package import TenantRegistry

/// Where a link to a password leads: a page that asks for one, and the form that sets it (P1, O3, O13). Programs get
/// the same as JSON.
package struct PasswordPages: OpenDialect {
    package let name: String
    package let basePath: String
    package let formGate: FormGate? = .openToPrograms
    package let routes: [Route]
    package let title: String

    package init(_ kind: AccountLink) {
        switch kind {
        case .invitation: name = "invitations"
        case .passwordReset: name = "password_resets"
        }
        title = kind.title
        basePath = kind.basePath
        routes = [Self.page(kind), Self.form(kind)]
    }

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        if head?.prefersJSON ?? true { return render(refusal, requestID: requestID) }
        let isOver = refusal.status == 404 && refusal != .notFound(.path)
        return HTMLPage.refusal(
            refusal, title: title, text: isOver ? "\(refusal.sentence) \(Self.over)" : nil, for: head, at: tenant,
            leadsHome: isOver)
    }

    /// What whoever has such a link does next, whether it was used, is over or never was.
    private static let over =
        "A link works once, and for a limited time. If you have a password, sign in; if not, ask whoever sent you the "
        + "link for a new one."

    private static func page(_ kind: AccountLink) -> Route {
        Route(.get, "/{token}", "Show the page that asks for a password", access: .open) { call in
            let hash = tokenHash(call)
            return .read { tenant in
                let account = try AcceptLink.account(kind, hash, tenant)
                return try page(kind, account, call, tenant)
            }
        }
    }

    /// The form once more with what is wrong; where the link itself leads nowhere, that alone.
    private static func again(
        _ kind: AccountLink, _ call: Call, _ tenant: TenantReader, _ refusal: Refusal
    ) throws -> Answer {
        do {
            return try page(kind, try AcceptLink.account(kind, tokenHash(call), tenant), call, tenant, refusal)
        } catch is Refusal {
            throw refusal
        }
    }

    private static func page(
        _ kind: AccountLink, _ account: Account, _ call: Call, _ tenant: TenantReader, _ refusal: Refusal? = nil
    ) throws -> Answer {
        let open = OpenForm(call)
        let page = HTMLPage(
            title: kind.title, theme: try tenant.theme(at: call.head.rootPath),
            content: form(kind, email: account.email, open.tokens, refusal))
        return open.answer(page, to: refusal)
    }

    private static func form(_ kind: AccountLink) -> Route {
        Route(
            .post, "/{token}", "Set a password, once", access: .open, needsNoRoom: kind == .passwordReset,
            showing: { call, refusal in call.head.prefersJSON ? nil : .read { try again(kind, call, $0, refusal) } }
        ) { call in
            let hash = tokenHash(call)
            let password = try call.readForm(Body(Field.newPassword("password")))
            return .flow { steps in
                // A link that leads nowhere costs no scrypt.
                let (user, account, salt) = try await steps.read { tenant in
                    let user = try AcceptLink.user(kind, hash, tenant)
                    return (user, try user ?? AcceptLink.account(kind, hash, tenant), AcceptLink.salt(hash, tenant))
                }
                if let user {
                    let place = KnownPlace(.account, at: call.clientAddress, of: call.tenant)
                    let isAgain = try await steps.isSentAgain(
                        password, setting: user.passwordHash, of: user.email, id: user.id, at: place, call)
                    guard isAgain else { throw Refusal.notFound(kind.missing) }
                    return .read { try answer(user, call, $0) }
                }
                let passwordHash = try await steps.background {
                    try Password.hash(password, by: call.services.scrypt, salt: salt)
                }
                _ = try await EndSessions.untilFew(steps) { _ in
                    EndSessions(.account(account.id), sparingOwner: false, but: 0)
                }
                let effect: TenantWrite.Effect<Answer> = { tenant, detail in
                    let accept = AcceptLink(kind, tokenHash: hash, passwordHash: passwordHash)
                    return try answer(try accept.run(tenant, &detail), call, tenant)
                }
                let isOperators = kind == .passwordReset && account.resellerID == nil
                return isOperators ? .protect(.operators, effect) : .write(effect)
            }
        }
    }

    private static func answer(_ account: Account, _ call: Call, _ tenant: TenantReader) throws -> Answer {
        if call.head.prefersJSON {
            return .json { json in
                json.field("ok", true)
                json.field("email", account.email)
            }
        }
        let content: HTML = """
            <h1>Your password is set</h1><p>From now on <b>\(account.email)</b> signs in with it.</p>
            <p><a class="button primary" href="\(call.link("/sign-in"))">Sign in</a></p>
            """
        return HTMLPage(title: "Welcome", theme: try tenant.theme(at: call.head.rootPath), content: content)
            .seen(by: call.head).answer()
    }

    private static func tokenHash(_ call: Call) -> Digest { SHA256.hash(Array(call.parameters[0].utf8)) }

    private static func form(
        _ kind: AccountLink, email: String, _ tokens: FormTokens, _ refusal: Refusal?
    ) -> HTML {
        let notice = refusal?.notice(["password": "Password"], hasFocus: true)
        let password = Field(
            "Password", name: "password", kind: .password, hint: "\(PasswordRule.charactersMin) characters or more",
            error: refusal?.error(of: "password"), charactersMin: PasswordRule.charactersMin,
            autocomplete: "new-password")
        let form = Form(open: tokens) {
            "\(Field.username(email))\(password)\n\(Button("Set password", .primary))"
        }
        let head: HTML =
            switch kind {
            case .invitation: "<h1>Welcome</h1><p>Choose a password for <b>\(email)</b>.</p>"
            case .passwordReset: "<h1>A new password</h1><p>Choose a new password for <b>\(email)</b>.</p>"
            }
        return "\(head)\(notice)\n\(form)"
    }
}

extension AccountLink {
    fileprivate var title: String {
        switch self {
        case .invitation: "Invitation"
        case .passwordReset: "New password"
        }
    }
}
