import HTML
import TestSeeds
import Testing

/// Texts stay texts (U4). These do not compile, since literals are `StaticString`s and there is no other way in:
///
///     let html: HTML = name                                 // a String is no literal
///     HTML(name)                                            // no such initialiser
///     HTML(stringLiteral: name)                             // takes a StaticString
///     var whole = HTML.StringInterpolation(literalCapacity: 0, interpolationCount: 0)
///     whole.appendLiteral(name)                             // takes a StaticString
///     let html: HTML = "<p>" + name                         // HTML has no `+`
///     let html: HTML = "<p>\(reseller)</p>"                 // not text, markup or a part
///     Link(name), Link(stringLiteral: name)                 // its path is a StaticString
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
        ("a list", { text in "\(each: [text, text], { "<i>\($0)</i>" })" }, { italic($0) + italic($0) }),
        (
            "markup that may be missing",
            { text in "\(Optional<HTML>.none)\(if: false, "\(text)")\(if: true, "<i>\(text)</i>")" }, italic
        ),
        (
            "a field", { Field($0, name: "n", value: $0, hint: $0, error: $0, autocomplete: $0).html },
            { text in
                [.start("div", ["class": "field"]), .start("label", ["for": "f-n"])] + Self.text(text)
                    + [
                        .end("label"),
                        .start(
                            "input",
                            [
                                "type": "text", "id": "f-n", "aria-invalid": "true", "name": "n", "required": "",
                                "aria-describedby": "f-n-error f-n-hint", "autocomplete": text,
                            ].merging(text.isEmpty ? [:] : ["value": text]) { $1 }),
                        .start("p", ["class": "hint", "id": "f-n-hint"]),
                    ] + Self.text(text) + [.end("p"), .start("p", ["class": "error", "id": "f-n-error"])]
                    + Self.text(text) + [.end("p"), .end("div")]
            }
        ),
        (
            "a text field's value, in a field named by a text",
            { Field("L", name: $0, kind: .textarea(rows: 2), value: $0).html },
            { text in
                let id = Field.id(text)
                return [
                    .start("div", ["class": "field"]), .start("label", ["for": id]), .text("L"), .end("label"),
                    .start("textarea", ["rows": "2", "id": id, "name": text, "required": ""]),
                    .text("\n\(text)"), .end("textarea"), .end("div"),
                ]
            }
        ),
        (
            "a choice", { Field("L", name: "n", kind: .select([.init("x"), .init($0, $0)]), value: $0).html },
            { text in
                [
                    .start("div", ["class": "field"]), .start("label", ["for": "f-n"]), .text("L"), .end("label"),
                    .start("select", ["id": "f-n", "name": "n", "required": ""]), .start("option", ["value": "x"]),
                    .text("x"), .end("option"), .start("option", ["value": text, "selected": ""]),
                ] + Self.text(text) + [.end("option"), .end("select"), .end("div")]
            }
        ),
        (
            "a form and its button",
            { text in
                Form(call: text, tokens: FormTokens(csrf: text, once: text)) {
                    "\(Button(text, name: text, value: text))"
                }.html
            },
            { text in
                [.start("form", ["method": "post"])]
                    + ["_call", "_token", "_once"].map {
                        .start("input", ["type": "hidden", "name": $0, "value": text])
                    } + [.start("button", ["class": "button", "name": text, "value": text])] + Self.text(text)
                    + [.end("button"), .end("form")]
            }
        ),
        (
            "an address", { #"<a href="\#(Link("/a", $0, query: [("q", $0)]))"></a>"# },
            { [.start("a", ["href": "/a/\(encoded($0))?q=\(encoded($0))"]), .end("a")] }
        ),
    ]

    private static func text(_ text: String) -> [LaxReader.Token] { text.isEmpty ? [] : [.text(text)] }

    private static func italic(_ text: String) -> [LaxReader.Token] {
        [.start("i", [:])] + Self.text(text) + [.end("i")]
    }

    /// Written unlike the one under test: byte by byte into text.
    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let character = Character(Unicode.Scalar(byte))
            if byte < 0x80, character.isLetter || character.isNumber || "-._~".contains(character) {
                return String(character)
            }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count < 2 ? "0" : "") + digits
        }.joined()
    }

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
    @Test("a page is a whole document that loads files alone")
    func layout() throws {
        var body = Attributes()
        body.set("class", "frame")
        let icon: Link = try #require(Link(path: "/t/a/logo.png?b=1&c=\u{24}"))
        let page = Layout(
            title: "</title>", stylesheets: [Link("/assets", "app.0a.css")], scripts: [Link("/assets", "app.0b.js")],
            icon: icon, light: .dark, rows: .compact, body: body,
            content: "<main><h1>Hello</h1></main>"
        ).html
        let expected: HTML = """
            <!doctype html><html lang="en" data-theme="dark" data-rows="compact"><head><meta charset="utf-8">\
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\("</title>")</title><meta name="color-scheme" content="light dark">\
            <link rel="stylesheet" href="/assets/app.0a.css"><script src="/assets/app.0b.js" defer></script>\
            <link rel="icon" href="/t/a/logo.png?b=1&amp;c=$"></head>
            <body class="frame"><main><h1>Hello</h1></main></body></html>

            """
        #expect(page == expected)
        #expect(String(decoding: page.bytes, as: UTF8.self).contains("<title>&lt;/title&gt;</title>"))
    }

    @Test("what is drawn takes colours, however they were written")
    func paint() {
        var attributes = Attributes()
        attributes.set("fill", colour: "#aBcDeF")
        let path: HTML = "<path d=\"M0 0h1\"\(attributes)></path>"
        #expect(String(decoding: path.bytes, as: UTF8.self) == "<path d=\"M0 0h1\" fill=\"#abcdef\"></path>")
    }

    @Test("a stylesheet takes colours and nothing else, however they were written")
    func stylesheet() {
        let chosen: CSSColour = "#aBcDeF"
        let rule: Stylesheet = "b{color:\(chosen)}"
        let style: Stylesheet = "a{color:\("#102030" as CSSColour)}\(rule)"
        #expect(String(decoding: style.bytes, as: UTF8.self) == "a{color:#102030}b{color:#abcdef}")
    }

    @Test("a card says who speaks, and is the page's main part")
    func card() throws {
        let page = Layout(
            card: "Pay", stylesheets: [Link("/assets/app.0a.css")], name: "<A>", logo: Link("/logo.0a"), "<h1>Pay</h1>")
        #expect(
            String(decoding: page.html.bytes, as: UTF8.self).contains(
                """
                <body class="plain"><header class="brand"><img src="/logo.0a" alt="">\
                <b dir="auto">&lt;A&gt;</b></header>\
                <main id="main" class="panel"><h1>Pay</h1></main></body>
                """))
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
        if text != "https://a.example" { #expect(Link(external: text) == nil) }
    }

    @Test(
        "a link to another site is https and a host",
        arguments: ["https://a.example", "https://a.example:8443/b?c=d#e", "https://1.2.3.4/", "https://a-b.example?x"])
    func external(text: String) {
        #expect(Link(external: text)?.text == text)
    }

    @Test(
        "what looks like another host is no host of ours",
        arguments: [
            "https://user@a.example", "https://a.example@b.example", "https://a.example:", "https://a.example:x",
            "https://a.example:1:2", "https://.example", "https://-a.example", "https://[::1]/", "https://a%2eexample",
            "https://a.example\\@b.example", "https://a.example:80@b.example/",
        ])
    func badHosts(text: String) {
        #expect(Link(external: text) == nil)
    }

    @Test("a link has its path as written, its segments and what is asked as bytes, below the tenant's address")
    func built() {
        #expect(Link("/admin/resellers", "a/../b", "é?#").text == "/admin/resellers/a%2F..%2Fb/%C3%A9%3F%23")
        #expect(Link("/a", query: [("q", "a&b=c d"), ("none", nil), ("m", "")]).text == "/a?q=a%26b%3Dc%20d&m=")
        #expect(Link("/", "a", below: Link(path: "/t/acme")).text == "/t/acme/a")
        #expect(Link("/admin", below: Link(path: "/")).text == "/admin")
        #expect(Link("/admin", below: nil).text == "/admin")
        #expect(Link(fragment: "f-a\" b").text == "#f-a%22%20b")
        let long = String(repeating: "\u{202e}", count: 10_000)
        #expect(Link("/a", long).text == "/a/" + String(repeating: "%E2%80%AE", count: 10_000))
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
