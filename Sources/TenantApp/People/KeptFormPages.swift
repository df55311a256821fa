package import CallKit
import Cryptography
package import HTML
import HTTPCore
import PageKit
import TenantRegistry

/// Where somebody goes who has signed in: where they wanted to, if that is a page of theirs, or their first one.
package struct SignInTarget {
    let link: Link
    /// Whether it is where they wanted to go.
    let isNext: Bool

    init(_ next: String?, for role: KeyRole, at call: Call) {
        let home = call.link(role.isAdministrator ? "/admin" : "/portal")
        let wanted = next.flatMap(Link.init(path:)).flatMap { $0.isBelow(home.text) ? $0 : nil }
        link = wanted ?? home
        isNext = wanted != nil
    }
}

/// A form that came when its sender's session was over. It is kept in the page to sign in by, if it was the sender's
/// own.
package struct KeptForm: Sendable {
    package static let name = "_kept"
    /// Nobody's secret is written into a page, not even their own: a form with a field of such a name, or below it, is
    /// not kept. `values` are details of a service.
    private static let secrets: Set<String> = [
        "password", "old", "new", "secret", "api_key", "private_key", "passphrase", "webhook_secret", "signing_secret",
        "token", "values",
    ]
    /// Licences; `quotas.keys` is a number.
    private static let licences = "keys"

    private let text: [UInt8]
    private let fields: [(name: String, value: String)]

    /// Nil where its token is not that of the cookie it came with, or it is nothing to be kept.
    package init?(of call: Call) {
        guard call.head.isForm,
            (try? FormGate.session.judge(call.head, body: call.body, isSecure: call.isSecure)) != nil
        else { return nil }
        self.init(call.body)
    }

    /// The one that the form to sign in by has brought back.
    package init?(in call: Call) {
        guard let sealed = call.field(Self.name), let text = Base64.decodeURL(sealed) else { return nil }
        self.init(text)
    }

    private init?(_ text: [UInt8]) {
        guard let query = try? Query(form: text) else { return nil }
        let pairs = query.pairs.filter { $0.name != FormGate.fieldName }
        guard !pairs.isEmpty, !pairs.contains(where: { Self.isSecret($0.name) }) else { return nil }
        self.text = text
        fields = pairs
    }

    private static func isSecret(_ name: String) -> Bool {
        name == licences || name.split(separator: ".", maxSplits: 8).contains { secrets.contains(String($0)) }
    }

    package var sealed: String { Base64.encodeURL(text) }

    /// Beside the form to sign in by. Nil: it is not kept.
    package static func notice(of kept: KeptForm?) -> HTML {
        guard kept == nil else {
            return Notice(
                .info,
                "<p>Your session is over, so nothing was done. What you typed is kept: sign in, and send it again.</p>"
            ).html
        }
        return Notice(
            .bad,
            """
            <p>Nothing was done: your session is over. What you sent is not kept: it may hold a secret, or this browser \
            has signed out since. Sign in, and fill the form in again.</p>
            """
        ).html
    }

    /// The same form once more, with the token of the session that goes on. What makes it happen once is its own.
    package func offered(to link: Link, session: String) -> HTML {
        let once = Form.Hidden.once.rawValue
        let tokens = FormTokens(
            csrf: FormGate.token(for: Array(session.utf8)), once: fields.last { $0.name == once }?.value ?? "")
        let form = Form(open: tokens, to: link) {
            "\(each: fields.filter { $0.name != once }, { Field.hidden($0.name, $0.value) })\(Button("Send it now", .primary))"
        }
        return """
            <h1>You are signed in again</h1>
            <p>What you had sent was not done, since your session was over. It has been kept.</p>
            \(form)
            <p><a href="\(link)">Go on without sending it</a></p>
            """
    }
}
