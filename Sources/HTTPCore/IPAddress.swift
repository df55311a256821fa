/// An IPv4 or IPv6 address; IPv4 is kept in its mapped form (`::ffff:a.b.c.d`), so that one comparison serves both.
/// A value: any thread.
package struct IPAddress: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// `bits`: the four bytes, the first one highest.
    package init(ipv4 bits: UInt32) {
        high = 0
        low = 0xFFFF_0000_0000 | UInt64(bits)
    }

    /// `0.0.0.0` or `::`.
    package var isAny: Bool { low & 0xFFFF_FFFF == 0 && (high == 0 && (low == 0 || low >> 32 == 0xFFFF)) }

    package static let loopback = IPAddress(high: 0, low: 0xFFFF_7F00_0001)

    /// Mapped addresses (`::ffff:0:0/96`) are IPv4.
    package var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// What a per-address limit counts: an IPv4 address whole, an IPv6 address by its /64 (G6), since a
    /// subscriber owns all of one.
    package var meteringAddress: IPAddress { isIPv4 ? self : IPAddress(high: high, low: 0) }

    /// The client behind proxies (G6 `--trusted-proxy`): from the peer, then from the right of
    /// `X-Forwarded-For`, past every trusted address; the first one that is not trusted, or the leftmost. Empty entries
    /// count for nothing (RFC 9110 §5.6.1). A malformed or unknown entry on the way, or more than `forwardedHopsMax`,
    /// leaves the peer.
    package static func client(peer: IPAddress, forwardedFor: String?, trusted: [AddressRange]) -> IPAddress {
        func isTrusted(_ address: IPAddress) -> Bool { trusted.contains { $0.contains(address) } }
        guard let forwardedFor, isTrusted(peer) else { return peer }
        var client = peer
        let hops = forwardedFor.split(separator: ",").map(trimmed).filter { !$0.isEmpty }
        for (count, hop) in hops.reversed().enumerated() {
            guard count < forwardedHopsMax, let address = IPAddress(forwarded: hop) else { return peer }
            client = address
            if !isTrusted(address) { break }
        }
        return client
    }

    package static let forwardedHopsMax = 32

    /// An entry as proxies write it: `ip`, `ip:port`, `[v6]`, `[v6]:port`, between quotes too. The port says nothing.
    private init?(forwarded entry: String) {
        var text = entry[...]
        if text.count > 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]"), text[..<end].contains(":") else { return nil }
            let port = text[text.index(after: end)...]
            guard port.isEmpty || Self.isPort(port) else { return nil }
            text = text[text.index(after: text.startIndex)..<end]
        } else if let colon = text.firstIndex(of: ":"), text[..<colon].contains(".") {
            guard Self.isPort(text[colon...]) else { return nil }
            text = text[..<colon]
        }
        self.init(parsing: String(text))
    }

    /// `:` and one to five digits up to 65535.
    private static func isPort(_ text: Substring) -> Bool {
        let digits = text.dropFirst().utf8
        guard text.first == ":", 1...5 ~= digits.count, digits.allSatisfy({ $0 &- 0x30 < 10 }) else { return false }
        return Int(text.dropFirst()).map { $0 <= 65_535 } ?? false
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }
}

/// A block of addresses, `192.0.2.0/24` or `2001:db8::/32`; a bare address is a block of one. Bits past the prefix are
/// ignored. A value: any thread.
package struct AddressRange: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64
    private let highMask: UInt64
    private let lowMask: UInt64

    /// nil for anything that is no CIDR block.
    package init?(parsing text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(parsing: String(parts[0])) else { return nil }
        let isDotted = address.isIPv4 && !parts[0].contains(":")
        var bits = 128
        if parts.count == 2 {
            let digits = parts[1].utf8
            guard (1...3).contains(digits.count), digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                let prefix = Int(parts[1]), prefix <= (isDotted ? 32 : 128)
            else { return nil }
            bits = isDotted ? prefix + 96 : prefix
        }
        highMask = Self.mask(min(bits, 64))
        lowMask = Self.mask(max(bits - 64, 0))
        high = address.high & highMask
        low = address.low & lowMask
    }

    package func contains(_ address: IPAddress) -> Bool {
        address.high & highMask == high && address.low & lowMask == low
    }

    /// The uppermost `bits` (0…64) set.
    private static func mask(_ bits: Int) -> UInt64 { bits == 0 ? 0 : ~0 << (64 - bits) }
}
