/// Names of hosts as `Host`, links and certificates have them.
package enum HostName {
    /// The form in which hosts are compared: lower case, without a port and without a name's last dot.
    package static func folded(_ host: String) -> String {
        var host = host.lowercased()
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") { host.removeSubrange(colon...) }
        if host.hasSuffix(".") { host.removeLast() }
        return host
    }

    /// The host of `scheme://host…`, folded.
    package static func ofURL(_ url: String) -> String? {
        guard let start = url.firstRange(of: "://")?.upperBound else { return nil }
        return folded(String(url[start...].prefix { $0 != "/" && $0 != "?" }))
    }

    /// A name in lower case that DNS may answer with an address: two labels at least, 253 bytes at most, and no
    /// spelling of an IP address. Of those the last label is a number, `127.1` and `0x7f.1` as well.
    package static func isDomain(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count > 1 && text.utf8.count <= 253 && labels.allSatisfy(isLabel)
            && !isNumber(labels[labels.count - 1])
    }

    /// One label that is no number, say `localhost`: a name that a network of one's own may know.
    package static func isSingle(_ text: String) -> Bool {
        !text.contains(".") && isLabel(text[...]) && !isNumber(text[...])
    }

    /// A name of whichever machine asks (RFC 6761).
    package static func isLoopback(_ name: String) -> Bool { name == "localhost" || name.hasSuffix(".localhost") }

    /// An IP address as Host has it: IPv6 in brackets.
    package static func isAddress(_ host: String) -> Bool {
        IPAddress(parsing: host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host) != nil
    }

    /// A name that stands for nothing, anywhere and for ever (RFC 6761): nobody needs to be asked.
    package static func isReserved(_ name: String) -> Bool {
        ["example", "invalid", "test"].contains { name.hasSuffix(".\($0)") }
    }

    private static func isLabel(_ label: Substring) -> Bool {
        1...63 ~= label.utf8.count && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
    }

    /// As inet_aton reads a part: decimal, octal or hexadecimal.
    private static func isNumber(_ label: Substring) -> Bool {
        if label.hasPrefix("0x") { return label.dropFirst(2).utf8.allSatisfy { hexadecimalDigit($0) != nil } }
        return label.utf8.allSatisfy { $0 &- 0x30 < 10 }
    }
}
