/// Decimal texts to scaled integers and back without a rounding step: what money and percents are read with.
package enum ExactDecimal {
    package enum Failure: Error, Equatable {
        case syntax
        /// It needs more digits after the point than the scale has.
        case precision
        case overflow
    }

    package static let charactersMax = 64

    /// The value times 10^scale. Grammar `-?\d+(\.\d+)?`: an amount has no exponent, in text and in JSON numbers alike.
    /// Zeros past the scale do no harm, any other digit there is refused.
    package static func parse(_ text: String, scale: Int) throws(Failure) -> Int64 {
        guard text.utf8.count <= charactersMax else { throw .syntax }
        var reader = Reader(bytes: Array(text.utf8))
        let isNegative = reader.take(0x2D)
        var digits = try reader.digits()
        var exponent = scale
        if reader.take(0x2E) {
            let fraction = try reader.digits()
            exponent -= fraction.count
            digits += fraction
        }
        guard reader.isAtEnd else { throw .syntax }
        return try scaled(digits[...], exponent, isNegative)
    }

    /// `value` / 10^scale with at least `fractionDigitsMin` digits after the point, and more only where they are not
    /// zero.
    package static func text(_ value: Int64, scale: Int, fractionDigitsMin: Int) -> String {
        String(unsafeUninitializedCapacity: bytesMax) { text in
            write(
                value, scale: scale, fractionDigitsMin: fractionDigitsMin, to: UnsafeMutableRawBufferPointer(text))
        }
    }

    /// Of any value's text: 19 digits, a sign, a point, and as many zeros as a scale may ask for.
    package static let bytesMax = 48

    /// The same in its place, which has room for `bytesMax`. Returns how many bytes it wrote.
    package static func write(
        _ value: Int64, scale: Int, fractionDigitsMin: Int, to text: UnsafeMutableRawBufferPointer
    ) -> Int {
        precondition(max(scale, fractionDigitsMin) <= bytesMax - 22, "a scale of so many digits")
        var rest = value.magnitude
        var dropped = 0
        while dropped < scale - fractionDigitsMin, rest % 10 == 0 {
            rest /= 10
            dropped += 1
        }
        let fractionDigits = scale - dropped
        // Backwards from the end of the room, then moved to its start.
        var place = text.count
        func put(_ byte: UInt8) {
            place -= 1
            text[place] = byte
        }
        for _ in 0..<max(0, fractionDigitsMin - fractionDigits) { put(0x30) }
        for _ in 0..<fractionDigits {
            put(0x30 + UInt8(rest % 10))
            rest /= 10
        }
        if place < text.count { put(0x2E) }
        repeat {
            put(0x30 + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        if value < 0 { put(0x2D) }
        let count = text.count - place
        text.copyMemory(from: UnsafeRawBufferPointer(rebasing: text[place...]))
        return count
    }

    private static func scaled(_ all: ArraySlice<UInt8>, _ scale: Int, _ isNegative: Bool) throws(Failure) -> Int64 {
        var digits = all.drop { $0 == 0 }
        var exponent = scale
        if digits.isEmpty { return 0 }
        while exponent < 0, digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
        guard exponent >= 0 else { throw .precision }
        // Int64 has 19 digits.
        guard digits.count + exponent <= 19 else { throw .overflow }
        var value: Int64 = 0
        for digit in digits { value = try append(Int64(digit), to: value, isNegative) }
        for _ in 0..<exponent { value = try append(0, to: value, isNegative) }
        return value
    }

    /// Builds negative values downwards, so that Int64.min can be read.
    private static func append(_ digit: Int64, to value: Int64, _ isNegative: Bool) throws(Failure) -> Int64 {
        let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
        let (sum, overflows) =
            isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
        guard !overflowed, !overflows else { throw .overflow }
        return sum
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0

        var isAtEnd: Bool { at == bytes.count }

        mutating func take(_ byte: UInt8) -> Bool {
            guard at < bytes.count, bytes[at] == byte else { return false }
            at += 1
            return true
        }

        /// At least one digit, as values 0…9.
        mutating func digits() throws(Failure) -> [UInt8] {
            let start = at
            while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 { at += 1 }
            guard at > start else { throw .syntax }
            return bytes[start..<at].map { $0 - 0x30 }
        }
    }
}
