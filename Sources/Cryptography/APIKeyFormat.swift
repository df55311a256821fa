/// The shape of API keys: `<prefix>_<live|test>_<22+ base62 digits of randomness><6 base62 digits of CRC-32>`.
/// The checksum covers all before it. Judging a shape allocates nothing, so garbage costs neither hash nor look-up.
package enum APIKeyFormat {
    package static let keyBytesMax = 128
    package static let prefixBytes = 2...16
    package static let randomDigitsMin = 22
    /// 24 digits are 142 bits.
    package static let randomDigitsMinted = 24
    package static let checksumDigits = 6
    package static let displayDigits = 4

    /// `prefix` as `isPrefix` has it, `mode` "live" or "test".
    package static func mint(prefix: String, mode: String, random: any RandomSource) -> String {
        precondition(isPrefix(prefix) && (mode == "live" || mode == "test"), "not a key's prefix and mode")
        let body = "\(prefix)_\(mode)_" + Base62.random(randomDigitsMinted, from: random)
        return body + Base62.encode(UInt64(CRC32.checksum([UInt8](body.utf8))), width: checksumDigits)
    }

    /// `[a-z][a-z0-9]{1,15}`
    package static func isPrefix(_ prefix: String) -> Bool {
        var prefix = prefix
        return prefix.withUTF8 { isPrefix($0[...]) }
    }

    /// Shape and checksum. A key that passes may still be unknown.
    package static func isWellFormed(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard bytes.count <= keyBytesMax, let end = bytes.firstIndex(of: underscore), isPrefix(bytes[..<end]) else {
            return false
        }
        let start = end + 6
        guard bytes.count >= start + randomDigitsMin + checksumDigits, bytes[end + 5] == underscore,
            isMode(bytes, at: end + 1)
        else { return false }
        for index in start..<bytes.count where !Base62.isDigit(bytes[index]) { return false }
        var rest = UInt64(CRC32.checksum(UnsafeBufferPointer(rebasing: bytes[..<(bytes.count - checksumDigits)])))
        for index in stride(from: bytes.count - 1, to: bytes.count - 1 - checksumDigits, by: -1) {
            if bytes[index] != digit(UInt8(rest % 62)) { return false }
            rest /= 62
        }
        return true
    }

    package static func isWellFormed(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBufferPointer { isWellFormed($0) }
    }

    package static func isWellFormed(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.withUnsafeBufferPointer { isWellFormed($0) }
    }

    package static func isWellFormed(_ key: String) -> Bool {
        var key = key
        return key.withUTF8 { isWellFormed($0) }
    }

    /// The custom shape of 64 hexadecimal digits in lower case (A1, A7).
    package static func isHex64(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.count == 64 && bytes.allSatisfy { $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 }
    }

    package static func isHex64(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBufferPointer { isHex64($0) } }

    package static func isHex64(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.withUnsafeBufferPointer { isHex64($0) } }

    package static func isHex64(_ key: String) -> Bool {
        var key = key
        return key.withUTF8 { isHex64($0) }
    }

    package static func mintHex64(random: any RandomSource) -> String { Hex.encode(random.bytes(32)) }

    /// What is kept and shown of a key: prefix, mode and the first four random digits; of other shapes the first four.
    package static func displayPrefix(_ key: String) -> String {
        let parts = key.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return String(key.prefix(displayDigits)) }
        return "\(parts[0])_\(parts[1])_\(parts[2].prefix(displayDigits))"
    }

    private static let underscore: UInt8 = 0x5F

    private static func isPrefix(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard prefixBytes.contains(bytes.count), let first = bytes.first, first >= 0x61, first <= 0x7A else {
            return false
        }
        return bytes.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 }
    }

    private static func isMode(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        let word = (start..<start + 4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[$1]) }
        return word == 0x6C69_7665 || word == 0x7465_7374  // "live", "test"
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : value < 36 ? 0x37 + value : 0x3D + value
    }
}
