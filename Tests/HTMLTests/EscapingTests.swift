import HTML
import Testing

/// Texts stay texts. These do not compile, since literals are `StaticString`s and there is no other way in:
///
///     let html: HTML = name                                 // a String is no literal
///     HTML(name)                                            // no such initialiser
///     HTML(stringLiteral: name)                             // takes a StaticString
///     var whole = HTML.StringInterpolation(literalCapacity: 0, interpolationCount: 0)
///     whole.appendLiteral(name)                             // takes a StaticString
///     let html: HTML = "<p>" + name                         // HTML has no `+`
///     let html: HTML = "<p>\(reseller)</p>"                 // not text, markup or a part
///     Link(name), Link(stringLiteral: name)                 // `Link(path:)` alone, which may be nil
///     let style: Stylesheet = "a{color:\(name)}"            // takes a CSSColour
@Suite struct Escaping {
    private typealias Place = (
        name: String, write: @Sendable (String) -> HTML, tokens: @Sendable (String) -> [LaxReader.Token]
    )

    /// Everywhere where a text may stand, and how it is read back.
    private static let places: [Place] = [
        ("text", { "<p>\($0)</p>" }, { [.start("p", [:])] + text($0) + [.end("p")] }),
        ("a part of a text", { "\(Substring($0))" }, { text($0) }),
        ("a title", { "<title>\($0)</title>" }, { [.start("title", [:])] + text($0) + [.end("title")] }),
        ("a value", { #"<i title="\#($0)"></i>"# }, { [.start("i", ["title": $0]), .end("i")] }),
        (
            "a part of a value", { #"<i id="x" title="a\#($0)b" lang="en"></i>"# },
            { [.start("i", ["id": "x", "title": "a\($0)b", "lang": "en"]), .end("i")] }
        ),
        (
            "markup in markup",
            { inner in
                let row: HTML = "<b>\(inner)</b>"
                return "<p>\(row)</p>"
            },
            { [.start("p", [:]), .start("b", [:])] + text($0) + [.end("b"), .end("p")] }
        ),
        (
            "attributes that may be missing",
            { value in
                var attributes = Attributes()
                attributes.set("value", value)
                attributes.set("id", nil as String?)
                attributes.set("required", if: true)
                return "<input\(attributes)>"
            },
            { [.start("input", ["value": $0, "required": ""])] }
        ),
        (
            "a field", { Field($0, name: $0, kind: .email, isRequired: false, autocomplete: $0).html },
            {
                [.start("label", [:])] + text($0)
                    + [.start("input", ["type": "email", "name": $0, "autocomplete": $0]), .end("label")]
            }
        ),
        (
            "a button", { Form("\(Button($0, name: $0, value: $0))").html },
            {
                [.start("form", ["method": "post"]), .start("button", ["name": $0, "value": $0])] + text($0)
                    + [.end("button"), .end("form")]
            }
        ),
    ]

    private static func text(_ text: String) -> [LaxReader.Token] { text.isEmpty ? [] : [.text(text)] }

    private func readBack(_ text: String) {
        for place in Self.places {
            let bytes = place.write(text).bytes
            #expect(
                LaxReader.read(bytes) == place.tokens(text), "\(place.name): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test("a hostile text is read back as it was, wherever a text may stand", arguments: Hostile.texts)
    func hostile(text: String) {
        readBack(text)
    }

    @Test("any text is read back as it was, wherever a text may stand: 2,000 by seed")
    func random() {
        var numbers = Seeded(state: 21)
        for _ in 0..<2_000 { readBack(Hostile.random(&numbers)) }
    }

    @Test("five characters are escaped and all other bytes stay as they are")
    func bytes() {
        let html: HTML = "<p>\("<>&\"' \u{202e}é\u{0}\n")\(-7)</p>"
        #expect(html.bytes == Array("<p>&lt;&gt;&amp;&quot;&#39; \u{202e}é\u{0}\n-7</p>".utf8))
        #expect(("" as HTML).bytes.isEmpty)
    }

    @Test("markup goes in as it is, once")
    func markup() {
        let name = "<&>"
        let row: HTML = "<li>\(name)</li>"
        let list: HTML = "<ul>\(row)\(row)</ul>"
        #expect(list == "<ul><li>&lt;&amp;&gt;</li><li>&lt;&amp;&gt;</li></ul>")
    }
}

@Suite struct Parts {
    @Test("a page is a whole document, and its stylesheet's bytes are those that a policy hashes")
    func layout() throws {
        let chosen = "#aBcDeF"
        let style = Stylesheet.page(background: "#102030", primary: try #require(CSSColour(chosen)))
        let logo = try #require(Link(path: "/t/a/logo.png?b=1&c=\u{24}"))
        let page = Layout(
            title: "</title>", style: style, name: "R&D", logo: logo, content: "<h1>Hello</h1>"
        ).html
        let text = String(decoding: page.bytes, as: UTF8.self)
        #expect(text.hasPrefix("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"))
        #expect(
            text.contains("<title>&lt;/title&gt;</title><style>\(String(decoding: style.bytes, as: UTF8.self))</style>")
        )
        #expect(text.contains("background:#102030}") && text.contains("background:#aBcDeF;"))
        #expect(
            text.hasSuffix(
                "<body><header><img src=\"/t/a/logo.png?b=1&amp;c=$\" alt=\"\">R&amp;D</header>"
                    + "<main><h1>Hello</h1></main></body></html>\n"))
        let plain = Layout(title: "T", style: style, name: nil, logo: nil, content: "").html
        #expect(String(decoding: plain.bytes, as: UTF8.self).hasSuffix("<body><main></main></body></html>\n"))
    }

    @Test("a field says its bounds and what fills it in, in this order")
    func field() {
        let field = Field(
            "Password", name: "password", kind: .password, charactersMin: 8, charactersMax: 256,
            autocomplete: "new-password")
        let expected: HTML = """
            <label>Password<input type="password" name="password" minlength="8" maxlength="256" required \
            autocomplete="new-password"></label>
            """
        #expect(field.html == expected)
        #expect(Button("Go").html == "<button>Go</button>")
    }

    @Test(
        "a link leads to a path of ours",
        arguments: ["/", "/logo.0a1b", "/t/acme/logo.0a1b", "/a?c=d&e={f}#g", "/A/%3Cb%3E=1"])
    func links(text: String) {
        #expect(Link(path: text)?.text == text)
    }

    @Test(
        "no link leads to a script, to data, to another host, or out of its attribute and its policy",
        arguments: Hostile.texts.filter { $0 != "/" } + [
            "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "vbscript:x",
            "data:text/html,<script>alert(1)</script>", "blob:https://a.example/x", "file:///etc/passwd",
            "http://a.example/",
            "//a.example", "https://a.example", "path", "/a;b", "/a,b", "/a\"onload=x", "/a'", "/<b>", "/a b", "/a\n",
            "?a=b", "#a", "https:a.example", "https:/a.example", "https://",
            "https:///a",
            "https://?a", "https://#a", "https://@a", "HTTPS://a.example", "https://a.example/\"onload=x",
            "https://a.example/'", "https://a.example/<b>", "https://a.example/ b", "https://a.example/\n",
            "https://a\\b",
            "https://a.example/`", "https://a.example/\u{202e}", "https://\u{430}.example", "https://a.example/\u{0}",
            "https://a.example/\u{7f}", "\u{feff}https://a.example",
        ])
    func badLinks(text: String) {
        #expect(Link(path: text) == nil)
    }

    @Test(
        "a colour is six digits after #",
        arguments: Hostile.texts + [
            "#", "#fff", "#12345", "#1234567", "123456", "#12345g", "#12345;", "red", "#\u{ff11}23456", "#１２", "url(x)",
            "#fff}</s", " #12345", "#12345\n",
        ])
    func badColours(text: String) {
        #expect(CSSColour(text) == nil)
    }
}
