package import Cryptography

/// A tenant's UUID (random, RFC 9562 version 4): made by us, never by a caller, so it may become a file name.
package struct TenantID: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// From the 16 bytes that a file or the registry holds; nil for any other length.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// As `text` writes it; nil for anything else.
    init?(text: String) {
        guard let bytes = Hex.decode(text.replacing("-", with: "")), let id = TenantID(bytes: bytes), id.text == text
        else { return nil }
        self = id
    }

    package static func random(_ random: any RandomSource) -> TenantID {
        TenantID(
            high: random.uint64() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000,
            low: random.uint64() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    package var bytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
            + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
    }

    /// 36 characters, lower case.
    package var text: String {
        let hex = Hex.encode(bytes)
        var parts: [Substring] = []
        var rest = Substring(hex)
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return parts.joined(separator: "-")
    }
}
