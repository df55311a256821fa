import CallKit
import HTML
import HTTPCore
import PageKit
import TenantRegistry

/// Where an end customer sets a new password by a link of the operator's (O11, A8): a page that asks for one, and the
/// form that sets it. Programs get the same as JSON.
enum SubscriberPasswordPages {
    /// Of the surface that codes are activated at.
    static let routes: [Route] = [showing, setting]

    static func url(_ link: SubscriberLink, below base: String) -> String {
        "\(base)\(ActivationPages.base)/password/\(link.text)"
    }

    private static let showing = Route(
        .get, "/password/{token}", "Show the page that asks an end customer for a new password", access: .open
    ) { call in
        .read { tenant in
            let subscriber = try SubscriberLink.subscriber(of: call.parameters[0], in: tenant)
            if call.head.prefersJSON {
                return .json { json in
                    json.field("ok", true)
                    json.field("email", subscriber.email)
                }
            }
            return try page(subscriber, call, tenant)
        }
    }

    private static let setting = Route(
        .post, "/password/{token}", "Set an end customer's password, once", access: .open,
        showing: { call, refusal in call.head.prefersJSON ? nil : .read { try again(call, $0, refusal) } }
    ) { call in
        let text = call.parameters[0]
        let password = try call.readForm(Body(Field.newPassword("password")))
        return .flow { steps in
            // A link that leads nowhere costs no scrypt.
            let (user, salt) = try await steps.read { tenant in
                let user = try SubscriberLink.user(of: text, in: tenant)
                if user == nil { _ = try SubscriberLink.subscriber(of: text, in: tenant) }
                return (user, SubscriberLink.salt(of: text, in: tenant))
            }
            if let user {
                let place = KnownPlace(Subscriber.realm(of: user.book), at: call.clientAddress, of: call.tenant)
                let isAgain = try await steps.isSentAgain(
                    password, setting: user.passwordHash, of: user.email, id: user.id, at: place, call)
                guard isAgain else { throw Refusal.notFound(.passwordReset) }
                return .read { try done(user, call, $0) }
            }
            let hash = try await steps.background {
                try Password.hash(password, by: call.services.scrypt, salt: salt)
            }
            return .write { tenant, detail in
                try done(try AcceptSubscriberLink(text, passwordHash: hash).run(tenant, &detail), call, tenant)
            }
        }
    }

    /// The form once more with what is wrong; where the link itself leads nowhere, that alone.
    private static func again(_ call: Call, _ tenant: TenantReader, _ refusal: Refusal) throws -> Answer {
        do {
            var answer = try page(
                try SubscriberLink.subscriber(of: call.parameters[0], in: tenant), call, tenant, refusal)
            // As the dialect has it for programs.
            answer.status = ActivationPages().render(refusal, requestID: call.requestID).status
            return answer
        } catch is Refusal {
            throw refusal
        }
    }

    private static func page(
        _ subscriber: Subscriber, _ call: Call, _ tenant: TenantReader, _ refusal: Refusal? = nil
    ) throws -> Answer {
        let open = OpenForm(call)
        let notice = refusal?.notice(["password": "Password"], hasFocus: true)
        let password = Field(
            "Password", name: "password", kind: .password, hint: "\(PasswordRule.charactersMin) characters or more",
            error: refusal?.error(of: "password"), charactersMin: PasswordRule.charactersMin,
            charactersMax: PasswordRule.charactersMax, autocomplete: "new-password")
        let form = Form(open: open.tokens) {
            "\(Field.username(subscriber.email))\(password)\n\(Button("Set password", .primary))"
        }
        let content: HTML = """
            <h1>A new password</h1><p>Choose a new password for <b>\(subscriber.email)</b>.</p>\(notice)
            \(form)
            """
        let page = HTMLPage(
            title: "New password for a subscription", theme: try tenant.theme(at: call.head.rootPath), content: content)
        return open.answer(page, to: refusal)
    }

    private static func done(_ subscriber: Subscriber, _ call: Call, _ tenant: TenantReader) throws -> Answer {
        if call.head.prefersJSON {
            return .json { json in
                json.field("ok", true)
                json.field("email", subscriber.email)
            }
        }
        let content: HTML = """
            <h1>Your password is set</h1><p>From now on <b>\(subscriber.email)</b> logs in with it.</p>
            """
        return HTMLPage(
            title: "Password set", theme: try tenant.theme(at: call.head.rootPath), content: content
        ).seen(by: call.head).answer()
    }
}
