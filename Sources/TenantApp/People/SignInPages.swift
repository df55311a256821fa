package import CallKit
import HTML
package import HTTPCore
import PageKit
package import TenantRegistry

/// Where the people of a tenant sign in to its pages: one form for operators and resellers of every dialect (U4).
package struct SignInPages: OpenDialect {
    package let name = "sign_in"
    package let basePath = "/sign-in"
    package let formGate: FormGate? = .open
    package let errorContentType = HTMLPage.contentType
    package let routes: [Route]

    private static let title = "Sign in"
    /// What a form of a page may have typed in it to be kept while its sender signs in: it comes back in this one, by
    /// letters that cost a third more.
    private static let keptBytesMax = 8 << 10

    package init() { routes = [Self.page, Self.signIn] }

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        guard refusal == .unknownCredential else {
            return HTMLPage.refusal(refusal, title: Self.title, for: head, at: tenant)
        }
        return HTMLPage(
            title: Self.title, for: head, at: tenant,
            content: """
                <h1>You are signed out</h1>\(Notice(
                    .bad,
                    """
                    <p>Nothing was done. What you sent is too long to be kept here: sign in in another tab, come back to \
                    this one, and go back to the form to send it again.</p>
                    """))
                """
        ).response(to: refusal)
    }

    /// Where pages send whoever has not signed in.
    package static let entrance = Entrance(
        to: SignInPages(),
        instead: Route(.get, "", "Lead to the page to sign in by", access: .open) { call in
            .answer(.seeOther(call.link("/sign-in", query: [("next", call.head.pageToComeBackTo)])))
        },
        keeping: Route(
            .post, "", "Keep a form while its sender signs in", access: .open, moves: .nothing,
            body: .whole(bytesMax: keptBytesMax)
        ) { call in
            .read { try form(call, $0, Attempt(late: call)) }
        }, bytesMax: keptBytesMax)

    private static let page = Route(.get, "", "Show the page to sign in by", access: .open) { call in
        let query = try call.query()
        return .read { tenant in
            try form(call, tenant, Attempt(next: query["next"], said: query["said"].flatMap(Said.init)))
        }
    }

    private static let signIn = Route(
        .post, "", "Sign in", access: .open, openCalls: .signIns, needsNoRoom: true,
        showing: { call, refusal in .read { try form(call, $0, Attempt(sentBy: call), refusal) } }
    ) { call in
        let (email, password) = try call.readForm(KeyBodies.credentials)
        let attempt = Attempt(sentBy: call)
        return SignIn.work(
            call, email: email, password: password, roles: AccountRole.allCases,
            shape: .hex64, behind: PageCookie.domain
        ) { session, tenant in try welcome(session, call, tenant, attempt) }
    }

    // MARK: Who comes in

    private static func welcome(
        _ session: SignIn.Session, _ call: Call, _ tenant: TenantReader, _ attempt: Attempt
    ) throws -> Answer {
        let cookie = PageCookie(.session, of: call).set(session.token)
        let place = SignInTarget(attempt.next, for: session.role, at: call)
        guard let kept = attempt.kept, place.isNext else { return .seeOther(place.link, cookies: [cookie]) }
        var answer = HTMLPage(
            title: "Signed in", theme: try tenant.theme(at: call.head.rootPath),
            content: kept.offered(to: place.link, session: session.token)
        ).seen(by: call.head).answer()
        answer.headers.add("Set-Cookie", cookie)
        return answer
    }

    // MARK: The form

    private enum Said: String {
        case out, applied

        var sentence: String {
            switch self {
            case .out: "You have signed out."
            case .applied:
                "Your application has been made. You can sign in, and look around, while it waits for approval."
            }
        }
    }

    /// What somebody came with, or sent.
    private struct Attempt {
        var email: String?
        var next: String?
        var kept: KeptForm?
        var said: Said?
        /// Whether it is a form of another page, whose session is over.
        var isLate = false

        init(next: String?, said: Said?) {
            self.next = next
            self.said = said
        }

        init(late call: Call) {
            next = call.head.pageToComeBackTo
            kept = KeptForm(of: call)
            isLate = true
        }

        init(sentBy call: Call) {
            email = call.field("email")
            next = call.field("next")
            kept = KeptForm(in: call)
        }
    }

    private static func form(
        _ call: Call, _ tenant: TenantReader, _ attempt: Attempt, _ refusal: Refusal? = nil
    ) throws -> Answer {
        let open = OpenForm(call)
        let notice: HTML? =
            if let refusal {
                refusal.notice(["email": "E-mail", "password": "Password"])
            } else if attempt.isLate {
                KeptForm.notice(of: attempt.kept)
            } else {
                attempt.said.map { "\(Notice(.good, "<p>\($0.sentence)</p>"))" }
            }
        let asksFocus = refusal?.namesFields != true
        let email = Field(
            "E-mail", name: "email", kind: .email, value: attempt.email, error: refusal?.error(of: "email"),
            autocomplete: "username", isFirst: asksFocus && attempt.email == nil)
        let password = Field(
            "Password", name: "password", kind: .password, error: refusal?.error(of: "password"),
            charactersMax: PasswordRule.charactersMax, autocomplete: "current-password",
            isFirst: asksFocus && attempt.email != nil)
        let next: HTML? = attempt.next.map { Field.hidden("next", $0) }
        let kept: HTML? = attempt.kept.map { Field.hidden(KeptForm.name, $0.sealed) }
        let page = HTMLPage(
            title: title, theme: try tenant.theme(at: call.head.rootPath),
            content: """
                <h1>Sign in</h1>\(notice)
                \(Form(open: open.tokens, to: call.link("/sign-in")) {
                    "\(next)\(kept)\(email)\(password)\(Button("Sign in", .primary))"
                })
                <p>Forgotten your password? Ask whoever runs this programme for a link to set a new one.</p>
                <p><a href="\(call.link("/apply"))">Apply to become a reseller</a> · \
                <a href="\(call.link("/program"))">About the programme</a></p>
                """)
        return open.answer(page, to: refusal ?? (attempt.isLate ? .unknownCredential : nil))
    }
}
