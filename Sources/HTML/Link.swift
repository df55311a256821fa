/// An address that a page may show, load or be sent to: for `href`, `src`, `action` and their kind, which take no text.
/// A value: any thread.
package struct Link: Sendable, Equatable {
    /// Not escaped: for a policy or a `Location` as well.
    package let text: String

    /// A path of ours: `/` and what follows, visible ASCII without quotes, angle brackets and what separates a policy's
    /// parts. Nil for all others, `//host` among them.
    package init?(path text: String) {
        guard text.hasPrefix("/"), !text.hasPrefix("//"),
            text.utf8.allSatisfy({ Self.isPlain($0) && $0 != 0x3B && $0 != 0x2C })
        else { return nil }
        self.text = text
    }

    /// Whether it is a page at `home` or below, however a browser reads it: no other site, and no way up.
    package func isBelow(_ home: String) -> Bool {
        guard text.hasPrefix(home), !text.contains("\\") else { return false }
        let rest = text.dropFirst(home.count)
        guard rest.first.map({ $0 == "/" || $0 == "?" }) ?? true else { return false }
        let path = rest.prefix { $0 != "?" && $0 != "#" }.lowercased()
        return !path.contains("//") && !path.contains("..") && !path.contains("%2e")
    }

    /// A path as the page's author wrote it, each segment behind it, and what is asked; a value that is nil is not.
    /// `root`: where paths begin, say `/t/acme`; nil where the host says it all.
    package init(
        _ path: StaticString, _ segments: String..., query: [(name: StaticString, value: String?)] = [],
        below root: Link? = nil
    ) {
        var bytes = root.map { Array($0.text.utf8) } ?? []
        if bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        bytes.append(path)
        for segment in segments {
            if bytes.last != UInt8(ascii: "/") { bytes.append("/") }
            bytes.appendPercentEncoded(segment)
        }
        assert(bytes.first == UInt8(ascii: "/"), "\(path) is no path of ours")
        var separator: StaticString = "?"
        for (name, value) in query {
            guard let value else { continue }
            bytes.append(separator)
            bytes.append(name)
            bytes.append("=")
            bytes.appendPercentEncoded(value)
            separator = "&"
        }
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// A place on the page, by its id.
    package init(fragment id: String) {
        var bytes = [UInt8(ascii: "#")]
        bytes.appendPercentEncoded(id)
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// Another site, by `https` and a host of letters, digits, dots and hyphens.
    package init?(external text: String) {
        guard text.hasPrefix("https://"), text.utf8.allSatisfy(Self.isPlain) else { return nil }
        let authority = text.dropFirst("https://".count).prefix { !"/?#".contains($0) }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, parts.count <= 2, let first = host.first, first.isLetter || first.isNumber,
            host.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "." || $0 == "-" }),
            parts.dropFirst().allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isNumber) })
        else { return nil }
        self.text = text
    }

    private static func isPlain(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F && !refused.contains(byte) }
    private static let refused = Array("\"'<>\\`".utf8)
}

extension String {
    /// As a part of a path or a query: all but what is unreserved (RFC 3986).
    package var percentEncoded: String {
        var bytes: [UInt8] = []
        bytes.appendPercentEncoded(self)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension [UInt8] {
    /// All but what is unreserved (RFC 3986).
    fileprivate mutating func appendPercentEncoded(_ text: String) {
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                append(byte)
            default: self += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
            }
        }
    }
}
