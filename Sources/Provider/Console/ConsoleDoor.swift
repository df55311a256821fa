package import CallKit
import Cryptography
import HTML
package import HTTPCore
import PageKit
import TenantApp
package import TenantRegistry

/// Where the provider signs in to the console, by a provider key, and out (U1, U4). Open to whoever is served what
/// concerns the node.
package struct ConsoleDoor: Surface {
    package let name = "console_door"
    package let basePath = "/\(PageCookie.console)/sign-in"
    package let isDescribed = false
    package let formGate: FormGate? = .open
    package let errorContentType = HTMLPage.contentType
    package let routes: [Route]

    private static let home: StaticString = "/console"
    private static let signInPath: StaticString = "/console/sign-in"
    private static let title = "Provider console"
    private static let keptBytesMax = 8 << 10

    package init() { routes = [Self.page, Self.signIn] }

    package func credential(in head: RequestHead) -> Range<Int>? { nil }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        HTMLPage.refusal(refusal, title: Self.title, for: nil)
    }

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        HTMLPage.refusal(refusal, title: Self.title, for: head)
    }

    /// Where the console sends whoever has not signed in.
    package static let entrance = Entrance(
        to: ConsoleDoor(),
        instead: Route(.get, "", "Lead to the page to sign in by", access: .open) { call in
            .answer(.seeOther(Link(signInPath, query: [("next", call.head.pageToComeBackTo)])))
        },
        keeping: Route(
            .post, "", "Keep a form while its sender signs in", access: .open, moves: .nothing,
            body: .whole(bytesMax: keptBytesMax)
        ) { call in
            .answer(form(call, next: call.head.target, kept: KeptForm(of: call), isLate: true))
        }, bytesMax: keptBytesMax)

    private static let page = Route(.get, "", "Show the page to sign in by", access: .open) { call in
        let query = try call.query()
        return .answer(form(call, next: query["next"], kept: nil, hasSignedOut: query["said"] == "out"))
    }

    private static let signIn = Route(
        .post, "", "Sign in with a provider key", access: .open, openCalls: .signIns,
        showing: { call, refusal in .answer(form(call, next: call.field("next"), kept: KeptForm(in: call), refusal)) }
    ) { call in
        let key = try call.readForm(Body(Field.password("key", 1...APIKeyFormat.keyBytesMax)))
        let fleet = call.services.fleet
        let secret = SHA256.hash(key)
        guard APIKeyFormat.isWellFormed(key), let record = fleet.providerKeys.key(secret, at: call.now) else {
            throw Refusal.unknownCredential
        }
        record.used(at: call.now)
        let session = try session(with: secret, of: fleet, at: call.now)
        let cookie = PageCookie(.session, of: call).set(session)
        let home = Link(home)
        let wanted = call.field("next").flatMap(Link.init(path:)).flatMap { $0.isBelow(home.text) ? $0 : nil }
        guard let wanted, let kept = KeptForm(in: call) else {
            return .answer(.seeOther(wanted ?? home, cookies: [cookie]))
        }
        var answer = HTMLPage(title: title, content: kept.offered(to: wanted, session: session))
            .seen(by: call.head).answer()
        answer.headers.add("Set-Cookie", cookie)
        return .answer(answer)
    }

    /// Begins one; what the browser keeps of it.
    private static func session(with secret: Digest, of fleet: Fleet, at now: Timestamp) throws -> String {
        guard fleet.cluster == nil else {
            let text = try ConsoleTicket(secret: secret, begunAt: now).sealed(for: fleet)
            fleet.consoleSessions.begin(
                SHA256.hash(Array(text.utf8)[...], behind: PageCookie.domain), with: secret, at: now)
            return text
        }
        let minted = MintedSecret(shape: .hex64, book: .live, behind: PageCookie.domain, random: fleet.random)
        fleet.consoleSessions.begin(minted.hash, with: secret, at: now)
        return minted.text
    }

    /// `isLate`: what came is a form of another page, whose session is over.
    private static func form(
        _ call: Call, next: String?, kept: KeptForm?, _ refusal: Refusal? = nil, hasSignedOut: Bool = false,
        isLate: Bool = false
    ) -> Answer {
        let open = OpenForm(call)
        let notice: HTML =
            if let refusal {
                refusal.notice(["key": "Provider key"])
            } else if isLate {
                KeptForm.notice(of: kept)
            } else {
                "\(if: hasSignedOut, "\(Notice(.good, "<p>You have signed out.</p>"))")"
            }
        let key = Field(
            "Provider key", name: "key", kind: .password, hint: "Begins with \(ProviderAPI.keyPrefix)_.",
            error: refusal?.error(of: "key"), autocomplete: "current-password",
            isFirst: refusal?.namesFields != true)
        let hidden: HTML =
            "\(next.map { Field.hidden("next", $0) })\(kept.map { Field.hidden(KeptForm.name, $0.sealed) })"
        let form = Form(open: open.tokens, to: Link(signInPath)) {
            "\(hidden)\(Field.username("provider"))\(key)\(Button("Sign in", .primary))"
        }
        let page = HTMLPage(
            title: title,
            content: """
                <h1>Provider console</h1>\(notice)
                \(form)
                """)
        return open.answer(page, to: refusal ?? (isLate ? .unknownCredential : nil))
    }
}

/// Where the provider signs out of the console.
package struct ConsoleExit: Surface {
    package let name = "console_exit"
    package let basePath = "/\(PageCookie.console)/sign-out"
    package let isDescribed = false
    package let formGate: FormGate? = .session
    package let errorContentType = HTMLPage.contentType

    package init() {}

    package func credential(in head: RequestHead) -> Range<Int>? { nil }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        HTMLPage.refusal(refusal, title: "Sign out", for: nil)
    }

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        HTMLPage.refusal(refusal, title: "Sign out", for: head)
    }

    package let routes: [Route] = [
        Route(.post, "", "Sign out of the console", access: .open, openCalls: .signOuts) { call in
            let left = Answer.seeOther(
                Link("/console/sign-in", query: [("said", "out")]), cookies: [PageCookie(.session, of: call).cleared])
            guard let cookie = PageCookie.value(of: .session, in: call) else { return .answer(left) }
            let (fleet, hash) = (call.services.fleet, SHA256.hash(cookie, behind: PageCookie.domain))
            guard fleet.cluster != nil else {
                fleet.consoleSessions.end(hash)
                return .answer(left)
            }
            // Anybody can make up a cookie and the token that goes with it: what ends nothing leaves no row.
            guard let ticket = ConsoleTicket(opening: cookie[...], of: fleet),
                call.now < ConsoleSessions.end(ofBegunAt: ticket.begunAt),
                fleet.providerKeys.isLive(ticket.secret, at: call.now)
            else { return .answer(left) }
            return .flow { steps in
                try await steps.callback { done in
                    fleet.signOut(hash, begunAt: ticket.begunAt, at: call.now, then: done)
                }
                return .answer(left)
            }
        }
    ]
}
