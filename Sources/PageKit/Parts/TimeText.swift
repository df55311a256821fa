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
        let short =
            "\(day.prefix(while: { $0 != " " })) \(Self.months[time.date.month - 1].prefix(3)) \(time.date.year)"
        let shown =
            now.map { Self.distance(time, from: $0) ?? short } ?? "\(short), \(clock.prefix(hasSeconds ? 8 : 5))"
        html = #"<time datetime="\#(time.text)" title="\#(exact)">\#(shown)</time>"#
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    /// Nil where a date says more.
    private static func distance(_ time: Timestamp, from now: Timestamp) -> String? {
        let seconds = (now.milliseconds - time.milliseconds) / 1000
        let amount: String
        switch abs(seconds) {
        case 0..<5: return "just now"
        case 5..<60: amount = "\(abs(seconds)) s"
        case 60..<3600: amount = "\(abs(seconds) / 60) min"
        case 3600..<48 * 3600: amount = "\(abs(seconds) / 3600) h"
        case 48 * 3600..<30 * 86_400: amount = "\(abs(seconds) / 86_400) days"
        default: return nil
        }
        return seconds < 0 ? "in \(amount)" : "\(amount) ago"
    }
}
