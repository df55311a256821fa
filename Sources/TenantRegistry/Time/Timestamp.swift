/// An instant in UTC, to the millisecond; leap seconds are not counted (POSIX time).
///
/// Invariant: it lies in the years 0000…9999, so that its RFC 3339 text always exists; arithmetic past them stops at
/// the ends. A value: any thread.
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Since 1970-01-01T00:00:00Z.
    package let milliseconds: Int64

    package static let millisecondsPerDay: Int64 = 86_400_000
    package static let millisecondsPerHour: Int64 = 3_600_000
    /// 0000-01-01T00:00:00.000Z
    package static let earliest = Timestamp(milliseconds: -62_167_219_200_000)
    /// 9999-12-31T23:59:59.999Z
    package static let latest = Timestamp(milliseconds: 253_402_300_799_999)

    package init(milliseconds: Int64) {
        self.milliseconds = min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999)
    }

    package init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        self.init(milliseconds: overflow ? (seconds < 0 ? .min : .max) : product)
    }

    /// When a day began that is counted from 1970.
    package init(day: Int64) { self = Timestamp(milliseconds: 0).adding(days: day) }

    /// When an hour began that is counted from 1970.
    package init(hour: Int64) { self = Timestamp(milliseconds: 0).adding(hour, of: Self.millisecondsPerHour) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// Whole seconds since 1970, rounded down.
    package var seconds: Int64 { milliseconds.dividedDown(by: 1000) }

    package func adding(milliseconds more: Int64) -> Timestamp {
        let (sum, overflow) = milliseconds.addingReportingOverflow(more)
        return Timestamp(milliseconds: overflow ? (more < 0 ? .min : .max) : sum)
    }

    package func adding(seconds: Int64) -> Timestamp { adding(seconds, of: 1000) }

    package func adding(days: Int64) -> Timestamp { adding(days, of: Self.millisecondsPerDay) }

    /// Whether so many days are so many milliseconds, for numbers from anywhere.
    package static func days(_ days: Int64, are milliseconds: Int64) -> Bool {
        let (product, overflow) = days.multipliedReportingOverflow(by: millisecondsPerDay)
        return !overflow && product == milliseconds
    }

    private func adding(_ count: Int64, of unitMilliseconds: Int64) -> Timestamp {
        let (product, overflow) = count.multipliedReportingOverflow(by: unitMilliseconds)
        return adding(milliseconds: overflow ? (count < 0 ? .min : .max) : product)
    }
}

extension Int64 {
    /// Division that rounds towards minus infinity, for a positive divisor.
    func dividedDown(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
