/// Texts of addresses: read as inet_pton does, written as RFC 5952 says.
extension IPAddress: CustomStringConvertible {
    /// Dotted IPv4 without leading zeros, or IPv6; no zone, no brackets, no port. nil for anything else.
    package init?(parsing text: String) {
        let bytes = Array(text.utf8)
        if bytes.contains(0x3A) {
            guard let groups = Self.groups(bytes) else { return nil }
            self.init(
                high: groups[0..<4].reduce(0) { $0 << 16 | UInt64($1) },
                low: groups[4..<8].reduce(0) { $0 << 16 | UInt64($1) })
        } else {
            guard let bits = Self.dotted(bytes[...]) else { return nil }
            self.init(ipv4: bits)
        }
    }

    package var description: String {
        if isIPv4 { return Self.dotted(UInt32(truncatingIfNeeded: low)) }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> UInt64(48 - $0 % 4 * 16)) }
        guard let zeros = Self.longestZeroRun(groups) else { return Self.joined(groups[...]) }
        return Self.joined(groups[..<zeros.lowerBound]) + "::" + Self.joined(groups[zeros.upperBound...])
    }

    // MARK: Reading

    private static func dotted(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != 0x30 else { return nil }
            var value: UInt32 = 0
            for byte in part {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + UInt32(byte - 0x30)
            }
            guard value <= 255 else { return nil }
            bits = bits << 8 | value
        }
        return bits
    }

    /// The eight groups of an IPv6 text, with `::` filled in.
    private static func groups(_ bytes: [UInt8]) -> [UInt16]? {
        var parts = bytes.split(separator: 0x3A, omittingEmptySubsequences: false)
        // "::" at an end leaves two empty parts there; a single colon leaves one and is refused below.
        guard parts.count <= 10 else { return nil }
        if parts.count > 2, parts[0].isEmpty, parts[1].isEmpty { parts.removeFirst() }
        if parts.count > 1, let last = parts.last, last.isEmpty, parts[parts.count - 2].isEmpty { parts.removeLast() }
        var groups: [UInt16] = []
        var gap: Int?
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                guard gap == nil, bytes.count > 1 else { return nil }
                gap = groups.count
            } else if part.contains(0x2E) {
                guard index == parts.count - 1, let bits = dotted(part) else { return nil }
                groups += [UInt16(bits >> 16), UInt16(truncatingIfNeeded: bits)]
            } else {
                guard let group = group(part) else { return nil }
                groups.append(group)
            }
        }
        guard hasSoundEnds(bytes) else { return nil }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: Array(repeating: 0, count: 8 - groups.count), at: gap)
        }
        return groups.count == 8 ? groups : nil
    }

    /// A colon at either end must be one of two.
    private static func hasSoundEnds(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 2 else { return false }
        let start = bytes[0] != 0x3A || bytes[1] == 0x3A
        let end = bytes[bytes.count - 1] != 0x3A || bytes[bytes.count - 2] == 0x3A
        return start && end
    }

    private static func group(_ bytes: ArraySlice<UInt8>) -> UInt16? {
        guard (1...4).contains(bytes.count) else { return nil }
        var value: UInt16 = 0
        for byte in bytes {
            guard let digit = hexadecimalDigit(byte) else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    // MARK: Writing

    private static func dotted(_ bits: UInt32) -> String {
        "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
    }

    private static func joined(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }

    /// The first longest run of two or more zero groups.
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var longest = 0..<1
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 { start = index + 1 }
            if index + 1 - start > longest.count { longest = start..<index + 1 }
        }
        return longest.count >= 2 ? longest : nil
    }
}
