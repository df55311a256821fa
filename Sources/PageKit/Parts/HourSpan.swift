import TenantRegistry

/// Every hour, or every day, from one instant to another, for charts that have a bar for each. A value: any thread.
package struct HourSpan: Sendable {
    private let first: Int64
    private let last: Int64

    private static let millisecondsPerHour: Int64 = 3_600_000

    /// RFC 3339, as APIs write it; none where it is no time.
    package init(from: String, until: String) {
        first = Self.hour(from) ?? 0
        last = max(first - 1, Self.hour(until) ?? first - 1)
    }

    package var count: Int { Int(last - first + 1) }

    package func place(of time: String) -> Int? {
        guard let hour = Self.hour(time), hour >= first, hour <= last else { return nil }
        return Int(hour - first)
    }

    package var labels: [String] { (0..<count).map { Self.label(first + Int64($0)) } }

    /// `28 Nov 13:00`
    package static func label(_ time: String) -> String { hour(time).map { label($0) } ?? time }

    /// `28 Nov` of `2026-11-28`, as charts name a day; what is none stays as it is.
    package static func day(_ text: String) -> String {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, months.indices.contains(parts[1] - 1) else { return text }
        return "\(parts[2]) \(months[parts[1] - 1])"
    }

    private static func label(_ hour: Int64) -> String {
        let time = Timestamp(milliseconds: hour * millisecondsPerHour)
        return "\(time.date.day) \(months[time.date.month - 1]) \(time.text.dropFirst(11).prefix(5))"
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func hour(_ text: String) -> Int64? {
        Timestamp(parsing: text).map { $0.milliseconds / millisecondsPerHour }
    }
}
