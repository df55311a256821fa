/// RFC 3339 in and out (docs/contract.md, “Native APIs”: times are RFC 3339 in UTC).
extension Timestamp: CustomStringConvertible {
    /// `2026-03-22T10:30:00.000Z`: always 24 characters, so that texts sort as their instants do.
    package var text: String {
        String(unsafeUninitializedCapacity: Self.textCharacters) { write(to: UnsafeMutableRawBufferPointer($0)) }
    }

    /// The same in its place. Returns how many bytes it wrote: `textCharacters`.
    package func write(to buffer: UnsafeMutableRawBufferPointer) -> Int {
        let date = date
        let time = Int(millisecondOfDay)
        Self.put(date.year, 4, into: buffer, at: 0)
        buffer[4] = 0x2D
        Self.put(date.month, 2, into: buffer, at: 5)
        buffer[7] = 0x2D
        Self.put(date.day, 2, into: buffer, at: 8)
        buffer[10] = 0x54
        Self.put(time / 3_600_000, 2, into: buffer, at: 11)
        buffer[13] = 0x3A
        Self.put(time / 60_000 % 60, 2, into: buffer, at: 14)
        buffer[16] = 0x3A
        Self.put(time / 1000 % 60, 2, into: buffer, at: 17)
        buffer[19] = 0x2E
        Self.put(time % 1000, 3, into: buffer, at: 20)
        buffer[23] = 0x5A
        return Self.textCharacters
    }

    package static let textCharacters = 24

    package var description: String { text }

    /// Reads `YYYY-MM-DDTHH:MM:SS[.f](Z|±HH:MM)` with 1 to 9 digits of fraction; what is past the millisecond is cut
    /// off. nil for anything else, days that do not exist, leap seconds, and the offset `-00:00` ("unknown", RFC 3339
    /// §4.3).
    package init?(parsing text: String) {
        var reader = TimestampReader(bytes: Array(text.utf8))
        guard let year = reader.number(4), reader.take(0x2D),
            let month = reader.number(2), reader.take(0x2D),
            let day = reader.number(2), reader.take(0x54),
            let hour = reader.number(2), hour < 24, reader.take(0x3A),
            let minute = reader.number(2), minute < 60, reader.take(0x3A),
            let second = reader.number(2), second < 60,
            let fraction = reader.fractionMilliseconds(),
            let offsetMinutes = reader.offsetMinutes(), reader.isAtEnd,
            let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        let minutes = hour * 60 + minute - offsetMinutes
        let exact =
            Int64(date.daysSinceEpoch) * Self.millisecondsPerDay + Int64(minutes * 60 + second) * 1000 + Int64(fraction)
        self.init(milliseconds: exact)
        // An offset may carry the first or last day past the years that have a text.
        guard milliseconds == exact else { return nil }
    }

    /// The same, or a day, `YYYY-MM-DD`, which stands for its first instant in UTC.
    package init?(parsingTimeOrDay text: String) {
        guard let time = Timestamp(parsing: text) ?? Timestamp(parsing: text + "T00:00:00Z") else { return nil }
        self = time
    }

    private static func put(_ value: Int, _ digits: Int, into buffer: UnsafeMutableRawBufferPointer, at start: Int) {
        var rest = value
        var place = start + digits
        while place > start {
            place -= 1
            buffer[place] = 0x30 + UInt8(rest % 10)
            rest /= 10
        }
    }
}

private struct TimestampReader {
    let bytes: [UInt8]
    var at = 0

    var isAtEnd: Bool { at == bytes.count }

    mutating func take(_ byte: UInt8) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    mutating func number(_ digits: Int) -> Int? {
        guard at + digits <= bytes.count else { return nil }
        var value = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    mutating func fractionMilliseconds() -> Int? {
        guard take(0x2E) else { return 0 }
        var value = 0
        var count = 0
        while let digit = digit() {
            if count < 3 { value = value * 10 + digit }
            count += 1
        }
        guard (1...9).contains(count) else { return nil }
        while count < 3 {
            value *= 10
            count += 1
        }
        return value
    }

    mutating func offsetMinutes() -> Int? {
        if take(0x5A) { return 0 }
        let isNegative = take(0x2D)
        guard isNegative || take(0x2B), let hours = number(2), hours < 24, take(0x3A), let minutes = number(2),
            minutes < 60, !(isNegative && hours == 0 && minutes == 0)
        else { return nil }
        return isNegative ? -(hours * 60 + minutes) : hours * 60 + minutes
    }

    private mutating func digit() -> Int? {
        guard at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 else { return nil }
        at += 1
        return Int(bytes[at - 1]) - 0x30
    }
}
