package import CallKit
package import HTML
package import HTTPCore
package import PageKit
package import TenantRegistry

/// A web page for whoever is not signed in: a card in the tenant's colours, without scripts. It loads nothing but our
/// stylesheet, the tenant's colours and its logo, posts to nobody but us and stands in no frame. Its address, which may
/// be a secret, is told to nobody but for scheme and host. A value: any thread.
package struct HTMLPage: Sendable {
    package let title: String
    /// Nil: the pages' own colours and no name.
    package let theme: Theme?
    package let content: HTML
    private let isWide: Bool
    private var light: Layout.Light?

    /// `isWide`: there is more to read than a form.
    package init(title: String, theme: Theme? = nil, isWide: Bool = false, content: HTML) {
        self.title = title
        self.theme = theme
        self.isWide = isWide
        self.content = content
    }

    package static let contentType = PagePolicy.contentType

    /// This page in the light that the reader chose.
    package func seen(by head: RequestHead) -> HTMLPage {
        var page = self
        page.light = head.chosenLight
        return page
    }

    package func answer(status: Int = 200) -> Answer {
        var answer = Answer(status: status, contentType: Self.contentType, body: bytes)
        answer.headers = Self.headers
        return answer
    }

    /// This page as the answer to a refused call, which shows it.
    package func answer(to refusal: Refusal) -> Answer {
        var answer = answer(status: refusal.status)
        if let seconds = refusal.retryAfterSeconds { answer.headers.add("Retry-After", seconds) }
        answer.headers.addWhatHelps(refusal)
        return answer
    }

    /// A refusal as people read it, with the fields that HTTP asks for beside it. `status`, `text`: where a surface has
    /// its own. `leadsHome`: what was called will never be there.
    package static func refusal(
        _ refusal: Refusal, title: String, status: Int? = nil, text: String? = nil, for head: RequestHead?,
        at tenant: TenantRecord? = nil, leadsHome: Bool = false
    ) -> Response {
        let way = way(onFrom: status ?? refusal.status, head, leadsHome: leadsHome)
        return HTMLPage(
            title: title, for: head, at: tenant,
            content: """
                <h1>That did not work</h1>\(Notice(.bad, "<p>\(text ?? refusal.sentence)</p>"))
                \(way)
                """
        ).response(to: refusal, status: status)
    }

    /// A page that says what was refused, as the tenant's others look: no file is read for it.
    package init(title: String, for head: RequestHead?, at tenant: TenantRecord?, content: HTML) {
        self.init(title: title, theme: head.flatMap { tenant?.knownTheme(at: $0.rootPath) }, content: content)
        light = head?.chosenLight
    }

    /// The same again, unless it will be the same for ever: then the address's first page, if this is not it.
    private static func way(onFrom status: Int, _ head: RequestHead?, leadsHome: Bool) -> HTML? {
        // What takes forms alone is no page to come back to.
        guard status == 404 || status == 405 else { return #"<p><a href="">Try again</a></p>"# }
        guard status == 405 || leadsHome, let head, let home = Link(path: head.rootPath.isEmpty ? "/" : head.rootPath),
            ![home.text, home.text + "/"].contains(head.path)
        else { return nil }
        return #"<p><a href="\#(home)">To the first page</a></p>"#
    }

    /// This page as the answer to a refused call.
    package func response(to refusal: Refusal, status: Int? = nil) -> Response {
        var response = Response.refused(
            refusal, status: status, contentType: Self.contentType, body: bytes, challenge: nil)
        response.headers.add(Self.headers)
        return response
    }

    package var bytes: [UInt8] {
        let logo = theme?.logo.flatMap(Link.init(path:))
        return Layout(
            card: theme.map { "\(title) – \($0.name)" } ?? title,
            stylesheets: theme?.stylesheets ?? [Assets.stylesheet.link], icon: logo ?? Assets.icon.link,
            light: light, name: theme?.name, logo: logo, isWide: isWide, content
        ).html.bytes
    }

    package static var headers: ResponseHeaders {
        var headers = ResponseHeaders()
        headers.add(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
                + "frame-ancestors 'none'")
        headers.add("X-Frame-Options", "DENY")
        // With `no-referrer` a browser would not tell us either where a form comes from.
        headers.add("Referrer-Policy", "strict-origin")
        return headers
    }
}
