import Cryptography
import HTTPCore
import TenantApp
import TenantRegistry

/// Where an invitation's link leads: a page that asks for a password, and the call that sets it (CONTRACT P1, O3).
struct InvitationPages: Dialect {
    let name = "invitations"
    let basePath = "/invite"
    let isAlwaysThere = true
    let isDescribed = false

    func credential(in head: RequestHead) -> Range<Int>? { nil }

    func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }

    let routes: [Route] = [
        Route(.get, "/{token}", "Show the invitation", access: .open, isRationedByAddress: true) { call in
            let hash = tokenHash(call)
            return .read { tenant in
                guard let account = try tenant.invitedAccount(tokenHash: hash) else {
                    throw Refusal.notFound("invitation")
                }
                return Answer(
                    status: 200, contentType: "text/html; charset=utf-8", body: Array(page(email: account.email).utf8))
            }
        },
        Route(.post, "/{token}", "Accept the invitation", access: .open, isRationedByAddress: true) { call in
            let hash = tokenHash(call)
            let isForm = call.head.value(of: .contentType)?.hasPrefix("application/x-www-form-urlencoded") ?? false
            var fields = try isForm ? formFields(call) : call.fields()
            let password = fields.string(
                "password", characters: PasswordRule.charactersMin...PasswordRule.charactersMax)
            try fields.finish()
            guard let password else { throw Refusal.defect }
            return .background {
                let passwordHash = try call.services.scrypt.hash(password, random: call.services.random)
                return .write { tenant, trail in
                    let account = try AcceptInvitation(tokenHash: hash, passwordHash: passwordHash).run(tenant, &trail)
                    return .json { json in
                        json.field("ok", true)
                        json.field("email", account.email)
                    }
                }
            }
        },
    ]

    private static func tokenHash(_ call: Call) -> Digest { SHA256.hash(Array(call.parameters[0].utf8)) }

    private static func formFields(_ call: Call) throws -> FieldReader {
        guard let form = try? Query(form: call.body) else { throw Refusal.unparseable("The form cannot be read.") }
        return FieldReader(.object(form.pairs.map { JSONMember(name: $0.name, value: .string($0.value)) }))
    }

    private static func page(email: String) -> String {
        let shown = email.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        return """
            <!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>Invitation</title>
            <style>body{font:1rem/1.5 system-ui;max-width:24rem;margin:4rem auto;padding:0 1rem}input,button{font:inherit;width:100%;padding:.5rem;margin:.25rem 0}</style>
            <h1>Welcome</h1><p>Choose a password for <b>\(shown)</b>.</p>
            <form method="post"><label>Password<input type="password" name="password" minlength="8" required autocomplete="new-password"></label>
            <button>Set password</button></form></html>
            """
    }
}
