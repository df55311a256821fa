/// Hexadecimal digits: written in lower case, read in either. Values: any thread.
package enum Hex {
    package static func encode(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { encode($0) } }

    package static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { digits in
            for index in 0..<bytes.count {
                digits[2 * index] = digit(bytes[index] >> 4)
                digits[2 * index + 1] = digit(bytes[index] & 15)
            }
            return bytes.count * 2
        }
    }

    /// Nil on an odd count or anything that is no digit.
    package static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { digits in
            guard digits.count % 2 == 0 else { return nil }
            var bytes = [UInt8](repeating: 0, count: digits.count / 2)
            guard bytes.withUnsafeMutableBytes({ decode(UnsafeRawBufferPointer(digits), into: $0) }) else { return nil }
            return bytes
        }
    }

    /// Fills `bytes` from twice as many digits. False where one is none.
    static func decode(_ digits: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        precondition(digits.count == 2 * bytes.count, "two digits a byte")
        for index in 0..<bytes.count {
            guard let high = value(of: digits[2 * index]), let low = value(of: digits[2 * index + 1]) else {
                return false
            }
            bytes[index] = high << 4 | low
        }
        return true
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x37
        case 0x61...0x66: digit - 0x57
        default: nil
        }
    }
}
