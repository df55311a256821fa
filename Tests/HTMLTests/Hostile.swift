import TestSeeds

/// Texts that somebody would send who wants them read as markup.
enum Hostile {
    static let texts = [
        "<script>alert(1)</script>", "</title><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)", "\" autofocus onfocus=\"alert(1)", "</main></body></html>", "<!--", "-->", "]]>",
        "&lt;b&gt;", "&#60;b&#62;", "&amp;amp;", "&", "&&", "<", ">", "\"", "'", "`", "=", "/", "</", "<!", "<?",
        "javascript:alert(1)", "\u{0}<b>", "a\u{0}b", "line\nline\r\n\u{2028}", "\u{202e}txt.exe\u{202c}",
        "\u{2067}\u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{2069}", "\u{feff}<b>", "\u{ff1c}b\u{ff1e}", "e\u{301}<\u{338}b",
        // One `Character` each with the mark before or behind: escaping must not go by characters.
        "\u{600}<script>alert(1)</script>", "\u{600}\"\u{600}'\u{600}&\u{600}>", "\"\u{301}>\u{301}'\u{200d}&\u{20d0}",
        "\u{1f468}\u{200d}\u{1f469}", "O'Brien & \"Sons\" <o@b.example>", "",
    ]

    private static let parts = [
        "<", ">", "&", "\"", "'", "/", "=", " ", "\n", "!", "--", ";", "#", "a", "script", "style", "title", "on", "lt",
        "amp", "\u{202e}", "\u{5e9}", "\u{301}", "\u{600}", "\u{0}", "é", "😀",
    ]

    static func random(_ numbers: inout Seeded) -> String {
        (0..<Int.random(in: 0...12, using: &numbers)).map { _ in parts.randomElement(using: &numbers) ?? "" }.joined()
    }
}

/// A second reader of markup, made like a browser's and unlike the writer: it takes anything.
struct LaxReader {
    enum Token: Equatable {
        case start(String, [String: String])
        case end(String)
        case text(String)
    }

    private var rest: Substring.UnicodeScalarView
    private var tokens: [Token] = []

    static func read(_ html: [UInt8]) -> [Token] {
        let text = String(decoding: html, as: UTF8.self)
        var reader = LaxReader(rest: text[...].unicodeScalars)
        while !reader.rest.isEmpty { reader.next() }
        return reader.tokens
    }

    private mutating func next() {
        guard rest.first == "<", let second = rest.dropFirst().first, second == "/" || second.properties.isAlphabetic
        else {
            let text = take { $0 == "<" }
            // A `<` that begins no tag is text.
            let bare = text.isEmpty ? String(String.UnicodeScalarView([rest.removeFirst()])) : text
            tokens.append(.text(Self.decoded(bare)))
            return
        }
        rest.removeFirst()
        if second == "/" {
            rest.removeFirst()
            tokens.append(.end(take { $0 == ">" }))
            rest = rest.dropFirst()
            return
        }
        let name = take { $0 == ">" || $0.properties.isWhitespace || $0 == "/" }
        tokens.append(.start(name, attributes()))
    }

    private mutating func attributes() -> [String: String] {
        var found: [String: String] = [:]
        while let scalar = rest.first, scalar != ">" {
            if scalar.properties.isWhitespace || scalar == "/" {
                rest.removeFirst()
                continue
            }
            let name = take { $0 == "=" || $0 == ">" || $0 == "/" || $0.properties.isWhitespace }
            guard rest.first == "=" else {
                found[name] = ""
                continue
            }
            rest.removeFirst()
            if let quote = rest.first, quote == "\"" || quote == "'" {
                rest.removeFirst()
                found[name] = Self.decoded(take { $0 == quote })
                rest = rest.dropFirst()
            } else {
                found[name] = Self.decoded(take { $0 == ">" || $0.properties.isWhitespace })
            }
        }
        rest = rest.dropFirst()
        return found
    }

    private mutating func take(until ends: (Unicode.Scalar) -> Bool) -> String {
        let piece = rest.prefix { !ends($0) }
        rest = rest.dropFirst(piece.count)
        return String(piece)
    }

    /// By scalars: a `;` with an accent behind it is a `;` to a browser.
    private static func decoded(_ text: String) -> String {
        let references: [(String, Unicode.Scalar)] = [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&"),
        ]
        var rest = Array(text.unicodeScalars)[...]
        var result = String.UnicodeScalarView()
        while let first = rest.first {
            let found = references.first { rest.starts(with: $0.0.unicodeScalars) }
            result.append(found?.1 ?? first)
            rest = rest.dropFirst(found?.0.unicodeScalars.count ?? 1)
        }
        return String(result)
    }
}
