/// The address of somebody's service as it was given: an absolute http or https URL, read strictly, so that whoever
/// calls it reads the same host and port in it. Judged when it is saved, by the rule that each connection is judged by
/// (H6); a name is judged by what it resolves to, when it is called. A value.
package struct WebAddress: Sendable, Equatable {
    package enum Host: Sendable, Hashable {
        /// In lower case, without a last dot.
        case name(String)
        case address(IPAddress)
    }

    package let isPlain: Bool
    package let host: Host
    /// The scheme's where none is given.
    package let port: UInt16

    /// Nil for any other scheme, or one that is not `folded`, credentials, a fragment, a backslash, a port out of 1 to
    /// 65535, and a host that is neither a name nor an address in its own spelling: `127.1`, `0x7f000001` and
    /// `2130706433` are none.
    package init?(parsing text: String) {
        let schemes = ["https://", "http://"]
        guard let scheme = schemes.first(where: { text.hasPrefix($0) }),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 && $0 != 0x5C })
        else { return nil }
        isPlain = scheme == "http://"
        let authority = text.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" }
        guard let (host, port) = Self.split(authority), port.map(Self.isPort) ?? true,
            let host = Self.host(host)
        else { return nil }
        self.host = host
        self.port = port.flatMap { UInt16($0) } ?? (isPlain ? 80 : 443)
    }

    /// A URL with scheme and host in lower case, as it is kept: they are the same in any (RFC 3986). What is no URL
    /// stays as it is.
    package static func folded(_ url: String) -> String {
        guard let authority = url.firstRange(of: "://")?.upperBound else { return url }
        let rest = url[authority...].drop { $0 != "/" && $0 != "?" }
        return url[..<rest.startIndex].lowercased() + rest
    }

    /// The host's name as a URL that was parsed spells it: with the last dot, where it has one, that `host` is without.
    package static func spelledName(in url: String) -> Substring {
        url.drop { $0 != ":" }.dropFirst(3).prefix { !"/?:".contains($0) }
    }

    /// Whether both URLs lead to one place, however they are written.
    package static func leadToOne(_ one: String, _ other: String) -> Bool {
        guard let address = WebAddress(parsing: one), let there = WebAddress(parsing: other) else {
            return one == other
        }
        return address == there && target(of: one) == target(of: other)
    }

    /// Path and query in one spelling (RFC 3986 §6.2.2): escapes stand for themselves, the path has no segments `.` and
    /// `..`, and a query that is empty is none.
    private static func target(of url: String) -> [UInt8] {
        let target = unescaped(url.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" && $0 != "?" })
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        let query = target[path.endIndex...]
        return straightened(path) + (query.count > 1 ? query : [])
    }

    /// Escapes of letters, digits and `-._~` as these, all others in upper case.
    private static func unescaped(_ text: Substring) -> [UInt8] {
        let bytes = Array(text.utf8)
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var place = 0
        while place < bytes.count {
            guard bytes[place] == UInt8(ascii: "%"), place + 2 < bytes.count,
                let high = hexadecimalDigit(bytes[place + 1]), let low = hexadecimalDigit(bytes[place + 2])
            else {
                plain.append(bytes[place])
                place += 1
                continue
            }
            let byte = high << 4 | low
            if isUnreserved(byte) {
                plain.append(byte)
            } else {
                let digits = Array("0123456789ABCDEF".utf8)
                plain += [UInt8(ascii: "%"), digits[Int(high)], digits[Int(low)]]
            }
            place += 3
        }
        return plain
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }

    /// The path without `.` and `..`; `/` where it is empty.
    private static func straightened(_ path: ArraySlice<UInt8>) -> [UInt8] {
        let (dot, dots) = ([UInt8(ascii: ".")], [UInt8(ascii: "."), UInt8(ascii: ".")])
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
        var kept: [ArraySlice<UInt8>] = []
        for segment in segments {
            if segment.elementsEqual(dots) { _ = kept.popLast() }
            if !segment.elementsEqual(dot), !segment.elementsEqual(dots) { kept.append(segment) }
        }
        // A path that ended in one of them ends in a slash.
        if let last = segments.last, last.elementsEqual(dot) || last.elementsEqual(dots) { kept.append([]) }
        return [UInt8(ascii: "/")] + kept.joined(separator: [UInt8(ascii: "/")])
    }

    /// Whether a call there could get anywhere: what only this machine or its network knows is not public, whatever it
    /// is called.
    package func isAllowed(by rule: AddressRule) -> Bool {
        switch host {
        case .address(let address): rule.allows(address)
        case .name(let name): rule != .publicOnly || HostName.isDomain(name) && !Self.isOfNetwork(name)
        }
    }

    /// Names of this machine and of a network of one's own: RFC 6761, RFC 6762, RFC 8375 and ICANN's `internal`.
    private static let networkNames = ["localhost", "local", "localdomain", "internal", "home.arpa"]

    private static func isOfNetwork(_ name: String) -> Bool {
        networkNames.contains { name == $0 || name.hasSuffix(".\($0)") }
    }

    /// Host and port, where there is a colon; nil for credentials.
    private static func split(_ authority: Substring) -> (Substring, Substring?)? {
        if authority.contains("@") { return nil }
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            let rest = authority[authority.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            return (authority[...end], rest.isEmpty ? nil : rest.dropFirst())
        }
        guard let colon = authority.firstIndex(of: ":") else { return (authority, nil) }
        return (authority[..<colon], authority[authority.index(after: colon)...])
    }

    private static func isPort(_ text: Substring) -> Bool {
        1...5 ~= text.utf8.count && text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } && text.first != "0"
            && Int(text).map { $0 <= 65_535 } ?? false
    }

    private static func host(_ text: Substring) -> Host? {
        if text.hasPrefix("[") {
            let inner = String(text.dropFirst().dropLast())
            return inner.contains(":") ? IPAddress(parsing: inner).map { .address($0) } : nil
        }
        if let address = IPAddress(parsing: String(text)) { return .address(address) }
        var name = text.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        return HostName.isDomain(name) || HostName.isSingle(name) ? .name(name) : nil
    }
}
