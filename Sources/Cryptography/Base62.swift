/// Digits, capitals, small letters: what survives a double click and a form field.
package enum Base62 {
    static let digits = [UInt8]("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// `width` digits, most significant first, with leading zeros; what does not fit is cut off at the front.
    package static func encode(_ value: UInt64, width: Int) -> String {
        var text = [UInt8](repeating: digits[0], count: width)
        var rest = value
        for index in stride(from: width - 1, through: 0, by: -1) {
            text[index] = digits[Int(rest % 62)]
            rest /= 62
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil where the text is empty, holds anything else or does not fit.
    package static func decode(_ text: String) -> UInt64? {
        guard !text.isEmpty else { return nil }
        var value: UInt64 = 0
        for digit in text.utf8 {
            guard let index = digits.firstIndex(of: digit) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 62)
            let (sum, carry) = product.addingReportingOverflow(UInt64(index))
            if overflow || carry { return nil }
            value = sum
        }
        return value
    }

    /// `count` digits, each of 5.95 bits.
    package static func random(_ count: Int, from random: any RandomSource) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(count)
        while text.count < count {
            // 248 is the largest multiple of 62 in a byte: what lies above would favour some digits.
            for byte in random.bytes(count + count / 8 + 1) where byte < 248 && text.count < count {
                text.append(digits[Int(byte % 62)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        byte >= 0x30 && byte <= 0x39 || byte >= 0x41 && byte <= 0x5A || byte >= 0x61 && byte <= 0x7A
    }
}
