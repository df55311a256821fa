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
    package init?(text: String) {
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
        withUnsafeBytes { [UInt8]($0) }
    }

    func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        Swift.withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { body($0) }
    }

    /// 36 characters, lower case.
    package var text: String {
        String(unsafeUninitializedCapacity: 36) { text in
            var place = 0
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    text[place] = 0x2D
                    place += 1
                }
                let word = digit < 16 ? high : low
                let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (digit & 15))) & 15
                text[place] = nibble < 10 ? 0x30 + nibble : 0x57 + nibble
                place += 1
            }
            return place
        }
    }
}
