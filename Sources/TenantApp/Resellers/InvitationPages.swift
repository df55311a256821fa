package import CallKit
import Cryptography
import HTML
package import HTTPCore
package import TenantRegistry

/// Where an invitation's link leads: a page that asks for a password, and the form that sets it (P1, O3). Programs get
/// the same as JSON.
package struct InvitationPages: Dialect {
    package let name = "invitations"
    package let basePath = "/invite"
    package let isAlwaysThere = true
    package let isDescribed = false

    package init() {}

    package func credential(in head: RequestHead) -> Range<Int>? { nil }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }

    package func render(_ refusal: Refusal, requestID: RequestID, for head: RequestHead?) -> Response {
        if head?.prefersJSON ?? true { return render(refusal, requestID: requestID) }
        return HTMLPage.refusal(refusal, title: "Invitation")
    }

    package let routes: [Route] = [
        Route(.get, "/{token}", "Show the invitation", access: .open) { call in
            let hash = tokenHash(call)
            return .read { tenant in
                guard let account = try tenant.invitedAccount(tokenHash: hash) else {
                    throw Refusal.notFound(.invitation)
                }
                return HTMLPage(
                    title: "Invitation", theme: try tenant.theme(at: call.rootPath), content: form(email: account.email)
                )
                .answer()
            }
        },
        Route(.post, "/{token}", "Accept the invitation", access: .open) { call in
            let hash = tokenHash(call)
            let password = try call.readForm(Body(Field.newPassword("password")))
            let prefersJSON = call.head.prefersJSON
            return .flow { steps in
                // A link that leads nowhere costs no scrypt.
                guard try await steps.read({ try $0.invitedAccount(tokenHash: hash) }) != nil else {
                    throw Refusal.notFound(.invitation)
                }
                let passwordHash = try await steps.background {
                    try Password.hash(password, by: call.services.scrypt, random: call.services.random)
                }
                return .write { tenant, detail in
                    let account = try AcceptInvitation(tokenHash: hash, passwordHash: passwordHash).run(tenant, &detail)
                    if prefersJSON {
                        return .json { json in
                            json.field("ok", true)
                            json.field("email", account.email)
                        }
                    }
                    let content: HTML = """
                        <h1>Your password is set</h1><p>From now on <b>\(account.email)</b> signs in with it.</p>
                        """
                    return HTMLPage(title: "Welcome", theme: try tenant.theme(at: call.rootPath), content: content)
                        .answer()
                }
            }
        },
    ]

    private static func tokenHash(_ call: Call) -> Digest { SHA256.hash(Array(call.parameters[0].utf8)) }

    private static func form(email: String) -> HTML {
        let password = Field(
            "Password", name: "password", kind: .password, charactersMin: PasswordRule.charactersMin,
            autocomplete: "new-password")
        let form = Form("\(password)\n\(Button("Set password"))")
        return "<h1>Welcome</h1><p>Choose a password for <b>\(email)</b>.</p>\n\(form)"
    }
}
