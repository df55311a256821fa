/// Base64 (RFC 4648), read strictly: no white space, no stray padding, no bits set in a last digit that carries fewer.
package enum Base64 {
    /// The standard alphabet with padding.
    package static func encode(_ bytes: [UInt8]) -> String { encode(bytes, standard, isPadded: true) }
    package static func decode(_ text: String) -> [UInt8]? { decode(text, standard, isPadded: true) }

    /// The standard alphabet without padding, as password hash strings have it.
    package static func encodeUnpadded(_ bytes: [UInt8]) -> String { encode(bytes, standard, isPadded: false) }
    package static func decodeUnpadded(_ text: String) -> [UInt8]? { decode(text, standard, isPadded: false) }

    /// The alphabet for addresses and file names (§5), without padding.
    package static func encodeURL(_ bytes: [UInt8]) -> String { encode(bytes, url, isPadded: false) }
    package static func decodeURL(_ text: String) -> [UInt8]? { decode(text, url, isPadded: false) }

    private static let standard = Alphabet(last: "+/")
    private static let url = Alphabet(last: "-_")
    private static let padding: UInt8 = 0x3D

    private struct Alphabet: Sendable {
        let digits: [UInt8]
        /// By byte; 0xFF where it is no digit.
        let values: [UInt8]

        init(last: String) {
            digits = [UInt8](("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + last).utf8)
            var values = [UInt8](repeating: 0xFF, count: 256)
            for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
            self.values = values
        }
    }

    private static func encode(_ bytes: [UInt8], _ alphabet: Alphabet, isPadded: Bool) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var held: UInt32 = 0
        var bits = 0
        for byte in bytes {
            held = held << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet.digits[Int(held >> UInt32(bits)) & 63])
            }
        }
        if bits > 0 { text.append(alphabet.digits[Int(held << UInt32(6 - bits)) & 63]) }
        if isPadded { while text.count % 4 != 0 { text.append(padding) } }
        return String(decoding: text, as: UTF8.self)
    }

    private static func decode(_ text: String, _ alphabet: Alphabet, isPadded: Bool) -> [UInt8]? {
        var digits = [UInt8](text.utf8)[...]
        if isPadded {
            guard digits.count % 4 == 0 else { return nil }
            for _ in 0..<2 where digits.last == padding { digits.removeLast() }
        }
        guard digits.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count * 3 / 4)
        var held: UInt32 = 0
        var bits = 0
        for digit in digits {
            let value = alphabet.values[Int(digit)]
            guard value != 0xFF else { return nil }
            held = held << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: held >> UInt32(bits)))
            }
        }
        // Two texts for the same bytes would be two keys for the same thing.
        return held & ((1 << UInt32(bits)) - 1) == 0 ? bytes : nil
    }
}
