package import HTML
package import TenantRegistry

/// An instant as people read it, exact for those who ask. A value: any thread.
package struct TimeText: MarkupPart {
    package let html: HTML

    /// `text`: as an API writes it; what is no instant stays as it is. `now`: for “2 h ago”; without it the day and the
    /// time are written, with seconds where `hasSeconds` says so.
    package init(_ text: String, now: Timestamp? = nil, hasSeconds: Bool = false) {
        guard let time = Timestamp(parsing: text) else {
            html = "\(text)"
            return
        }
        let clock = "\(time.text.dropFirst(11).prefix(8))"
        let day = "\(time.date.day) \(Self.months[time.date.month - 1])"
        let exact = "\(day) \(time.date.year), \(clock) UTC"
        let short = Self.day(time)
        let shown =
            now.map { Self.distance(time, from: $0) ?? short } ?? "\(short), \(clock.prefix(hasSeconds ? 8 : 5)) UTC"
        html = #"<time datetime="\#(time.text)" title="\#(exact)">\#(shown)</time>"#
    }

    /// `28 Nov 2026`; what is no instant stays as it is.
    package static func day(_ text: String) -> String { Timestamp(parsing: text).map { day($0) } ?? text }

    private static func day(_ time: Timestamp) -> String {
        "\(time.date.day) \(months[time.date.month - 1].prefix(3)) \(time.date.year)"
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    /// Nil where a date says more.
    private static func distance(_ time: Timestamp, from now: Timestamp) -> String? {
        let seconds = (now.milliseconds - time.milliseconds) / 1000
        if abs(seconds) < 5 { return "just now" }
        if abs(seconds) >= 30 * 86_400 { return nil }
        // What was a month ahead a moment ago is “in 30 days”, not “in 29”.
        if seconds < 0 { return "in \(wait(seconds: Int(-seconds)))" }
        let unit = unit(of: seconds)
        return "\(seconds / unit.seconds) \(unit.name) ago"
    }

    /// About how long something takes: `57 min` of 3,391 seconds.
    package static func wait(seconds: Int) -> String {
        let unit = unit(of: Int64(seconds))
        return "\(Figure.grouped((seconds + Int(unit.seconds) / 2) / Int(unit.seconds))) \(unit.name)"
    }

    private static func unit(of seconds: Int64) -> (seconds: Int64, name: String) {
        switch seconds {
        case ..<60: (1, "s")
        case ..<3600: (60, "min")
        case ..<(48 * 3600): (3600, "h")
        default: (86_400, "days")
        }
    }
}
