package import CallKit
import Cryptography
package import HTTPCore

/// A web page without scripts, in the tenant's colours. Its policy lets it load nothing but the tenant's logo, post to
/// nobody but us and stand in no frame; its address, which may be a secret, is told to nobody. A value: any thread.
package struct HTMLPage: Sendable {
    package let title: String
    /// Nil: the page's own colours and no name.
    package let theme: Theme?
    /// HTML; texts in it are escaped already.
    package let content: String

    package init(title: String, theme: Theme? = nil, content: String) {
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

    /// For text and for attribute values in double quotes.
    package static func escape(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
    }

    package var bytes: [UInt8] {
        let logo = theme?.logo.map { #"<img src="\#(Self.escape($0))" alt="">"# } ?? ""
        let name = theme.map { "<header>\(logo)\(Self.escape($0.name))</header>" } ?? ""
        return Array(
            """
            <!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(Self.escape(title))</title><style>\(style)</style>
            <body>\(name)<main>\(content)</main></body></html>

            """.utf8)
    }

    package var headers: ResponseHeaders {
        let hash = Base64.encode(SHA256.hash(Array(style.utf8)).bytes)
        let images = theme?.logo.map { " img-src \($0);" } ?? ""
        var headers = ResponseHeaders()
        headers.add(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'sha256-\(hash)';\(images) form-action 'self'; base-uri 'none'; "
                + "frame-ancestors 'none'")
        headers.add("X-Content-Type-Options", "nosniff")
        headers.add("X-Frame-Options", "DENY")
        headers.add("Referrer-Policy", "no-referrer")
        return headers
    }

    private var style: String {
        let background = theme?.colours[.background] ?? "#ffffff"
        let primary = theme?.colours[.primary] ?? "#1f4fd8"
        return """
            body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;background:\(background)}
            header{font-weight:600}header img{height:2rem;margin-right:.5rem;vertical-align:middle}
            input,button{font:inherit;box-sizing:border-box;width:100%;padding:.5rem;margin:.25rem 0 .75rem}
            button{background:\(primary);color:#fff;border:0;border-radius:.25rem;cursor:pointer}
            """
    }
}
