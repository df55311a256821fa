extension IPAddress {
    /// Whether the address is one of the public Internet, by IANA's registries of special-purpose addresses (RFC 6890):
    /// not private, loopback, link-local, shared, documentation, multicast or reserved, nor a cloud's own inside its
    /// machines. An IPv4 address inside an IPv6 one (mapped, NAT64) counts as itself.
    package var isPublic: Bool {
        if isIPv4 { return !Self.specialIPv4.contains { $0.contains(self) } }
        if Self.translated.contains(self) {
            return IPAddress(ipv4: UInt32(truncatingIfNeeded: low)).isPublic
        }
        return Self.globalUnicast.contains(self) && !Self.specialIPv6.contains { $0.contains(self) }
    }

    /// Whether anybody else could ever reach the address: not this machine's own, of one link, of a group or of nobody.
    /// An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) counts as itself.
    package var isReachable: Bool {
        if isIPv4 { return !Self.unreachableIPv4.contains { $0.contains(self) } }
        if Self.translated.contains(self) {
            return IPAddress(ipv4: UInt32(truncatingIfNeeded: low)).isReachable
        }
        if Self.sixToFour.contains(self) {
            return IPAddress(ipv4: UInt32(truncatingIfNeeded: high >> 16)).isReachable
        }
        return !Self.unreachableIPv6.contains { $0.contains(self) }
    }

    /// IPv4's networks for documentation are none of them: examples of stock have such addresses.
    private static let unreachableIPv4 = ranges([
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
    ])
    /// Unspecified, loopback and IPv4-compatible ones, discarded, documentation, link-local, multicast.
    private static let unreachableIPv6 = ranges([
        "::/96", "100::/64", "2001:db8::/32", "3fff::/20", "fe80::/10", "ff00::/8",
    ])

    private static func ranges(_ texts: [String]) -> [AddressRange] { texts.map { AddressRange(parsing: $0)! } }

    private static let specialIPv4 = ranges([
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        // Azure's wire server: of a public range, and in every virtual machine there the host's own.
        "168.63.129.16/32",
    ])

    /// RFC 6052's well-known prefix: the last four bytes are the IPv4 address that is meant.
    private static let translated = AddressRange(parsing: "64:ff9b::/96")!
    /// RFC 3056: the four bytes behind the prefix are the IPv4 address of whoever has the network.
    private static let sixToFour = AddressRange(parsing: "2002::/16")!
    private static let globalUnicast = AddressRange(parsing: "2000::/3")!
    /// Teredo, ORCHID and others of 2001::/23, documentation, 6to4.
    private static let specialIPv6 = ranges(["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"])
}
