package import CallKit
import Cryptography
package import HTML
package import HTTPCore

/// A web page without scripts, in the tenant's colours. Its policy lets it load nothing but the tenant's logo, post to
/// nobody but us and stand in no frame; its address, which may be a secret, is told to nobody. A value: any thread.
package struct HTMLPage: Sendable {
    package let title: String
    /// Nil: the page's own colours and no name.
    package let theme: Theme?
    package let content: HTML

    package init(title: String, theme: Theme? = nil, content: HTML) {
        self.title = title
        self.theme = theme
        self.content = content
    }

    package static let contentType: StaticString = "text/html; charset=utf-8"

    package func answer(status: Int = 200) -> Answer {
        var answer = Answer(status: status, contentType: Self.contentType, body: bytes)
        answer.headers = headers
        return answer
    }

    /// A refusal as people read it, with the fields that HTTP asks for beside it. `status`, `text`: where a surface has
    /// its own.
    package static func refusal(
        _ refusal: Refusal, title: String, status: Int? = nil, text: String? = nil
    ) -> Response {
        HTMLPage(
            title: title,
            content: """
                <h1>That did not work</h1><p role="alert">\(text ?? refusal.sentence)</p>
                <p><a href="">Try again</a></p>
                """
        ).response(to: refusal, status: status)
    }

    /// This page as the answer to a refused call.
    package func response(to refusal: Refusal, status: Int? = nil) -> Response {
        var response = Response.refused(
            refusal, status: status, contentType: Self.contentType, body: bytes, challenge: nil)
        response.headers.add(headers)
        return response
    }

    package var bytes: [UInt8] {
        Layout(title: title, style: style, name: theme?.name, logo: logo, content: content).html.bytes
    }

    package var headers: ResponseHeaders {
        let hash = Base64.encode(SHA256.hash(style.bytes).bytes)
        let images = logo == nil ? "" : " img-src 'self';"
        var headers = ResponseHeaders()
        headers.add(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'sha256-\(hash)';\(images) form-action 'self'; base-uri 'none'; "
                + "frame-ancestors 'none'")
        headers.add("X-Frame-Options", "DENY")
        headers.add("Referrer-Policy", "no-referrer")
        return headers
    }

    private var logo: Link? { theme?.logo.flatMap(Link.init(path:)) }

    private var style: Stylesheet {
        .page(background: colour(.background) ?? "#ffffff", primary: colour(.primary) ?? "#1f4fd8")
    }

    private func colour(_ role: Theme.Colour) -> CSSColour? { theme?.colours[role].flatMap { CSSColour($0) } }
}

extension Call {
    /// The path of the tenant's address as the caller reached it: `/t/{slug}`, or empty where the host names the
    /// tenant.
    package var rootPath: String {
        guard let scheme = baseURL.range(of: "://") else { return "" }
        let rest = baseURL[scheme.upperBound...]
        return rest.firstIndex(of: "/").map { String(rest[$0...]) } ?? ""
    }
}
