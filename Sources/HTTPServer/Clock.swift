import CLinux
import Glibc
import HTTPCore

/// Time as the loops use it: monotonic for deadlines, UTC for the `Date` field.
enum Clock {
    /// Nanoseconds of CLOCK_MONOTONIC.
    static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    static func unixSeconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return time.tv_sec
    }
}

/// `Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n` (RFC 9110 §5.6.7), made once a second. Owned by one loop.
struct DateField {
    private(set) var bytes: [UInt8] = []
    private var second = -1

    mutating func update(unixSeconds: Int) {
        if unixSeconds == second { return }
        second = unixSeconds
        bytes = Self.render(unixSeconds)
    }

    static func render(_ unixSeconds: Int) -> [UInt8] {
        var time = time_t(unixSeconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        let days: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months: [StaticString] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        var bytes: [UInt8] = []
        bytes.append("Date: ")
        bytes.append(days[Int(parts.tm_wday)])
        bytes.append(", ")
        appendTwoDigits(Int(parts.tm_mday), to: &bytes)
        bytes.append(" ")
        bytes.append(months[Int(parts.tm_mon)])
        bytes.append(" ")
        bytes.append(decimal: Int(parts.tm_year) + 1900)
        bytes.append(" ")
        appendTwoDigits(Int(parts.tm_hour), to: &bytes)
        bytes.append(":")
        appendTwoDigits(Int(parts.tm_min), to: &bytes)
        bytes.append(":")
        appendTwoDigits(Int(parts.tm_sec), to: &bytes)
        bytes.append(" GMT\r\n")
        return bytes
    }

    private static func appendTwoDigits(_ number: Int, to bytes: inout [UInt8]) {
        bytes.append(0x30 + UInt8(number / 10))
        bytes.append(0x30 + UInt8(number % 10))
    }
}
