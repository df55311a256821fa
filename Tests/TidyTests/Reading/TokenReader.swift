/// Tells code, comments and strings of a Swift file apart. What is interpolated in a string is code.
///
/// It knows what this repository writes: no preprocessor, no operator that begins with `/` before a word.
struct TokenReader {
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1
    private(set) var tokens: [Token] = []
    private(set) var comments: [Comment] = []

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func read() { readCode(untilParenthesis: false) }

    /// Code up to the end, or to the parenthesis that ends an interpolation.
    private mutating func readCode(untilParenthesis: Bool) {
        var depth = 0
        while at < bytes.count {
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "\n"):
                line += 1
                at += 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"): at += 1
            case UInt8(ascii: "/") where next == UInt8(ascii: "/"): readLineComment()
            case UInt8(ascii: "/") where next == UInt8(ascii: "*"): readBlockComment()
            case UInt8(ascii: "/") where patternMayBegin: readPattern(hashes: 0)
            case UInt8(ascii: "\""): readString(hashes: 0)
            case UInt8(ascii: "#"): readHash()
            case _ where Self.isWord(byte): readWord()
            case UInt8(ascii: "("), UInt8(ascii: ")"):
                depth += byte == UInt8(ascii: "(") ? 1 : -1
                if untilParenthesis, depth < 0 {
                    at += 1
                    return
                }
                mark(byte)
            default: mark(byte)
            }
        }
    }

    private var next: UInt8? { at + 1 < bytes.count ? bytes[at + 1] : nil }

    private mutating func mark(_ byte: UInt8) {
        tokens.append(Token(kind: .mark, text: String(UnicodeScalar(byte)), line: line))
        at += 1
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "`"), UInt8(ascii: "$"), 0x80...:
            true
        default: false
        }
    }

    private mutating func readWord() {
        let first = bytes[at]
        let start = at
        while at < bytes.count, Self.isWord(bytes[at]) { at += 1 }
        let isNumber = first >= UInt8(ascii: "0") && first <= UInt8(ascii: "9")
        var text = String(decoding: bytes[start..<at], as: UTF8.self)
        if first == UInt8(ascii: "`") { text.removeAll { $0 == "`" } }
        tokens.append(Token(kind: isNumber ? .number : .word, text: text, line: line))
    }

    private mutating func readLineComment() {
        var start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { at += 1 }
        while start < at, bytes[start] == UInt8(ascii: "/") { start += 1 }
        while start < at, bytes[start] == UInt8(ascii: " ") { start += 1 }
        comments.append(Comment(text: String(decoding: bytes[start..<at], as: UTF8.self), line: line))
    }

    private mutating func readBlockComment() {
        var depth = 0
        let (start, first) = (at, line)
        repeat {
            switch (bytes[at], next) {
            case (UInt8(ascii: "/"), UInt8(ascii: "*")): (depth, at) = (depth + 1, at + 2)
            case (UInt8(ascii: "*"), UInt8(ascii: "/")): (depth, at) = (depth - 1, at + 2)
            case (let byte, _):
                if byte == UInt8(ascii: "\n") { line += 1 }
                at += 1
            }
        } while depth > 0 && at < bytes.count
        comments.append(Comment(text: String(decoding: bytes[start..<at], as: UTF8.self), line: first))
    }

    /// `#"…"#`, `#/…/#`, or the `#` of `#expect`.
    private mutating func readHash() {
        var end = at
        while end < bytes.count, bytes[end] == UInt8(ascii: "#") { end += 1 }
        let hashes = end - at
        switch end < bytes.count ? bytes[end] : 0 {
        case UInt8(ascii: "\""):
            at = end
            readString(hashes: hashes)
        case UInt8(ascii: "/"):
            at = end
            readPattern(hashes: hashes)
        default: mark(bytes[at])
        }
    }

    /// A regular expression stands where a value may begin and no blank follows its slash.
    private var patternMayBegin: Bool {
        guard let next, next != UInt8(ascii: " "), next != UInt8(ascii: "\n"), next != UInt8(ascii: "=") else {
            return false
        }
        guard let last = tokens.last, last.kind == .mark else { return tokens.last?.text == "return" }
        return "(,=:[{!&|?;".contains(last.text)
    }

    private mutating func readPattern(hashes: Int) {
        let (start, first) = (at + 1, line)
        at += 1
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "\\") {
                at += 2
            } else if bytes[at] == UInt8(ascii: "/"), hasHashes(hashes, behind: at) {
                break
            } else {
                if bytes[at] == UInt8(ascii: "\n") { line += 1 }
                at += 1
            }
        }
        let end = min(at, bytes.count)
        tokens.append(Token(kind: .pattern, text: String(decoding: bytes[start..<end], as: UTF8.self), line: first))
        at = min(end + 1 + hashes, bytes.count)
    }

    private func hasHashes(_ count: Int, behind index: Int) -> Bool {
        index + count < bytes.count && bytes[(index + 1)..<(index + 1 + count)].allSatisfy { $0 == UInt8(ascii: "#") }
    }

    /// `at` is the opening quote. The string's token stands before those of what is interpolated in it.
    private mutating func readString(hashes: Int) {
        let quote = UInt8(ascii: "\"")
        let isLong = at + 2 < bytes.count && bytes[at + 1] == quote && bytes[at + 2] == quote
        let quotes = isLong ? 3 : 1
        let place = tokens.count
        let first = line
        var text: [UInt8] = []
        var isFilledIn = false
        tokens.append(Token(kind: .string, text: "", line: first))
        at += quotes
        while at < bytes.count {
            let byte = bytes[at]
            if byte == quote, endsString(quotes: quotes, hashes: hashes) {
                at += quotes + hashes
                break
            }
            if byte == UInt8(ascii: "\\"), hasHashes(hashes, behind: at) {
                at += 1 + hashes
                if at < bytes.count, bytes[at] == UInt8(ascii: "(") {
                    at += 1
                    isFilledIn = true
                    readCode(untilParenthesis: true)
                } else if at < bytes.count {
                    // An escape that ends a line goes on in the next.
                    if bytes[at] == UInt8(ascii: "\n") { line += 1 } else { text += [UInt8(ascii: "\\"), bytes[at]] }
                    at += 1
                }
                continue
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            text.append(byte)
            at += 1
        }
        tokens[place] = Token(
            kind: .string, text: String(decoding: text, as: UTF8.self), line: first, isFilledIn: isFilledIn,
            lastLine: line)
    }

    private func endsString(quotes: Int, hashes: Int) -> Bool {
        guard at + quotes + hashes <= bytes.count else { return false }
        return bytes[at..<(at + quotes)].allSatisfy { $0 == UInt8(ascii: "\"") }
            && bytes[(at + quotes)..<(at + quotes + hashes)].allSatisfy { $0 == UInt8(ascii: "#") }
    }
}
