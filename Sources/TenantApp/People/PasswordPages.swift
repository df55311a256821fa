package import CallKit
import Cryptography
import HTML
package import HTTPCore
package import TenantRegistry

/// Where a link to a password leads: a page that asks for one, and the form that sets it (P1, O3, O13). Programs get
/// the same as JSON.
package struct PasswordPages: Dialect {
    package let name: String
    package let basePath: String
    package let isAlwaysThere = true
    package let isDescribed = false
    package let routes: [Route]
    package let title: String

    package init(_ kind: AccountLink) {
        switch kind {
        case .invitation: (name, title) = ("invitations", "Invitation")
        case .passwordReset: (name, title) = ("password_resets", "New password")
        }
        basePath = kind.basePath
        routes = [Self.page(kind, title: title), Self.form(kind)]
    }

    package func credential(in head: RequestHead) -> Range<Int>? { nil }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }

    package func render(_ refusal: Refusal, requestID: RequestID, for head: RequestHead?) -> Response {
        if head?.prefersJSON ?? true { return render(refusal, requestID: requestID) }
        return HTMLPage.refusal(refusal, title: title)
    }

    private static func page(_ kind: AccountLink, title: String) -> Route {
        Route(.get, "/{token}", "Show the page that asks for a password", access: .open) { call in
            let hash = tokenHash(call)
            return .read { tenant in
                let account = try AcceptLink.account(kind, hash, tenant)
                let theme = try tenant.theme(at: call.rootPath)
                return HTMLPage(title: title, theme: theme, content: form(kind, email: account.email)).answer()
            }
        }
    }

    private static func form(_ kind: AccountLink) -> Route {
        Route(.post, "/{token}", "Set a password, once", access: .open) { call in
            let hash = tokenHash(call)
            let password = try call.readForm(Body(Field.newPassword("password")))
            return .flow { steps in
                // A link that leads nowhere costs no scrypt.
                let account = try await steps.read { try AcceptLink.account(kind, hash, $0) }
                let passwordHash = try await steps.background {
                    try Password.hash(password, by: call.services.scrypt, random: call.services.random)
                }
                _ = try await EndSessions.untilFew(steps) { _ in
                    EndSessions(.account(account.id), sparingOwner: false, but: 0)
                }
                return .write { tenant, detail in
                    let accept = AcceptLink(kind, tokenHash: hash, passwordHash: passwordHash)
                    return try answer(try accept.run(tenant, &detail), call, tenant)
                }
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
            """
        return HTMLPage(title: "Welcome", theme: try tenant.theme(at: call.rootPath), content: content).answer()
    }

    private static func tokenHash(_ call: Call) -> Digest { SHA256.hash(Array(call.parameters[0].utf8)) }

    private static func form(_ kind: AccountLink, email: String) -> HTML {
        let password = Field(
            "Password", name: "password", kind: .password, charactersMin: PasswordRule.charactersMin,
            autocomplete: "new-password")
        let form = Form("\(password)\n\(Button("Set password"))")
        let head: HTML =
            switch kind {
            case .invitation: "<h1>Welcome</h1><p>Choose a password for <b>\(email)</b>.</p>"
            case .passwordReset: "<h1>A new password</h1><p>Choose a new password for <b>\(email)</b>.</p>"
            }
        return "\(head)\n\(form)"
    }
}
