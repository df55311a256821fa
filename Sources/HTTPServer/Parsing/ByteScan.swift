/// Questions about bytes of a head, asked without making a String (RFC 9110 §5.6).
enum ByteScan {
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let tab: UInt8 = 0x09

    // One bit a byte: ! # $ % & ' * + - . 0-9 A-Z ^ _ ` a-z | ~
    private static let tokenLow: UInt64 = 0x03FF_6CFA_0000_0000
    private static let tokenHigh: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        if byte < 0x40 { return tokenLow >> UInt64(byte) & 1 == 1 }
        return byte < 0x80 && tokenHigh >> UInt64(byte - 0x40) & 1 == 1
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inline(__always)
    static func isHostByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20) &- 0x61 < 26 || byte == 0x2D || byte == 0x2E || byte == 0x5F
    }

    @inline(__always)
    static func hexValue(_ byte: UInt8) -> Int? {
        if isDigit(byte) { return Int(byte &- 0x30) }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? Int(letter) + 10 : nil
    }

    /// No control characters but tab: what a field value may hold. Eight bytes at a time.
    static func isFieldText(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let high: UInt64 = 0x8080_8080_8080_8080
        var index = 0
        while index + 8 <= count {
            let word = UnsafeRawPointer(bytes + index).loadUnaligned(as: UInt64.self)
            let deleted = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let suspect =
                ((word &- 0x2020_2020_2020_2020) & ~word | (deleted &- 0x0101_0101_0101_0101) & ~deleted) & high
            if suspect != 0, !areFieldText(bytes + index, 8) { return false }
            index += 8
        }
        return areFieldText(bytes + index, count - index)
    }

    private static func areFieldText(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        for index in 0..<count {
            let byte = bytes[index]
            if byte < 0x20 && byte != tab || byte == 0x7F { return false }
        }
        return true
    }

    /// Equal without regard to case; `lowercase` is in lower case.
    @inline(__always)
    static func equals(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ lowercase: StaticString) -> Bool {
        count == lowercase.utf8CodeUnitCount && hasPrefix(bytes, lowercase)
    }

    @inline(__always)
    static func hasPrefix(_ bytes: UnsafePointer<UInt8>, _ lowercase: StaticString) -> Bool {
        let expected = lowercase.utf8Start
        for index in 0..<lowercase.utf8CodeUnitCount {
            let byte = bytes[index]
            if (byte &- 0x41 < 26 ? byte | 0x20 : byte) != expected[index] { return false }
        }
        return true
    }

    /// Whether a comma-separated list names this token, without regard to case.
    static func list(_ bytes: UnsafePointer<UInt8>, _ count: Int, names lowercase: StaticString) -> Bool {
        var index = 0
        while index < count {
            while index < count, bytes[index] == space || bytes[index] == tab || bytes[index] == 0x2C { index += 1 }
            let start = index
            while index < count, bytes[index] != 0x2C { index += 1 }
            var end = index
            while end > start, bytes[end - 1] == space || bytes[end - 1] == tab { end -= 1 }
            if equals(bytes + start, end - start, lowercase) { return true }
        }
        return false
    }
}
