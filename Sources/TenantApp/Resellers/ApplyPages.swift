package import CallKit
import HTML
package import HTTPCore
import PageKit
package import TenantRegistry

/// Where somebody applies to become a reseller, whatever the tenant sells (U4, W11, A2).
package struct ApplyPages: OpenDialect {
    package let name = "apply"
    package let basePath = "/apply"
    package let formGate: FormGate? = .open
    package let errorContentType = HTMLPage.contentType
    package let routes: [Route]

    private static let title = "Apply"

    package init() { routes = [Self.page, Self.apply, Self.waiting] }

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        HTMLPage.refusal(refusal, title: Self.title, for: head, at: tenant)
    }

    private static let page = Route(.get, "", "Show the form to apply by", access: .open) { call in
        .read { try form(call, $0) }
    }

    private static let apply = Route(
        .post, "", "Apply to become a reseller", access: .open, openCalls: .applications,
        showing: { call, refusal in .read { try form(call, $0, refusal) } }
    ) { call in
        let application = try call.readForm(ResellerApplication.own)
        let waiting = Answer.seeOther(call.link("/apply/waiting"))
        return .flow { steps in
            let (made, salt) = try await steps.read { tenant in
                let made = try application.sentBefore(tenant)
                if made == nil { try application.judge(tenant) }
                return (made, application.salt(tenant))
            }
            if let made {
                let isAgain = try await steps.isSentAgain(
                    application.password ?? "", setting: made.passwordHash, of: made.email, id: made.id,
                    at: KnownPlace(.account, at: call.clientAddress, of: call.tenant), call)
                guard isAgain else { throw Refusal.conflict(.emailTaken) }
                return .answer(waiting)
            }
            let application = try await steps.background { try application.hashed(call.services, salt: salt) }
            return .write { tenant, detail in
                if try !application.isMade(tenant) { _ = try Apply(application).run(tenant, &detail) }
                return waiting
            }
        }
    }

    /// It knows no application: what became of one shows to whoever signs in.
    private static let waiting = Route(
        .get, "/waiting", "Say what happens to an application", access: .open
    ) { call in
        .read { tenant in
            HTMLPage(
                title: "Application received", theme: try tenant.theme(at: call.head.rootPath),
                content: """
                    <h1>Your application waits for approval</h1>
                    <p>It has been received. What happens now:</p>
                    <ol class="steps"><li class="done"><span class="unseen">Done: </span>You have applied.</li>
                    <li aria-current="step">\(try tenant.theme(at: "").name) looks at it and approves it, or asks you back.</li>
                    <li>You sign in, mint a key of your own, and order.</li></ol>
                    <p>You can sign in already with the password that you chose: you see there how it stands.</p>
                    <p><a class="button primary" href="\(call.link("/sign-in"))">Sign in</a></p>
                    """
            ).seen(by: call.head).answer()
        }
    }

    // MARK: The form

    private static func form(_ call: Call, _ tenant: TenantReader, _ refusal: Refusal? = nil) throws -> Answer {
        let open = OpenForm(call)
        let notice = refusal?.notice([
            "company": "Company", "name": "Your name", "email": "E-mail", "password": "Password",
        ])
        let company = Field(
            "Company", name: "company", value: call.field("company"), error: refusal?.error(of: "company"),
            isRequired: false, charactersMax: 200, autocomplete: "organization",
            isFirst: refusal?.namesFields != true)
        let name = Field(
            "Your name", name: "name", value: call.field("name"), error: refusal?.error(of: "name"),
            charactersMax: 200, autocomplete: "name")
        let email = Field(
            "E-mail", name: "email", kind: .email, value: call.field("email"), hint: "You sign in with it.",
            error: refusal?.error(of: "email"), charactersMax: 254, autocomplete: "email")
        let password = Field(
            "Password", name: "password", kind: .password, hint: "\(PasswordRule.charactersMin) characters or more",
            error: refusal?.error(of: "password"), charactersMin: PasswordRule.charactersMin,
            charactersMax: PasswordRule.charactersMax, autocomplete: "new-password")
        let page = HTMLPage(
            title: title, theme: try tenant.theme(at: call.head.rootPath),
            content: """
                <h1>Become a reseller</h1>\(notice)
                \(Form(open: open.tokens, to: call.link("/apply")) {
                    "\(company)\(name)\(email)\(password)\(Button("Apply", .primary))"
                })
                <p><a href="\(call.link("/program"))">About the programme</a> · \
                <a href="\(call.link("/sign-in"))">Sign in</a></p>
                """)
        return open.answer(page, to: refusal)
    }
}
