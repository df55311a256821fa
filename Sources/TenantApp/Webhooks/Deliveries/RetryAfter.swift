package import TenantRegistry

/// A `Retry-After` that can be read (RFC 9110 §10.2.3); whatever else stands there is as if it did not.
package enum RetryAfter: Sendable, Equatable {
    case seconds(Int64)
    case date(Timestamp)

    private static let secondsMax: Int64 = 999_999_999

    package init?(parsing text: String) {
        let text = text.trimmed
        if !text.isEmpty, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) {
            self = .seconds(min(Int64(text) ?? .max, Self.secondsMax))
        } else if let date = HTTPDate.parse(text) {
            self = .date(date)
        } else {
            return nil
        }
    }

    /// From an instant on; one that is past asks for nothing.
    package func milliseconds(from now: Timestamp) -> Int64 {
        switch self {
        case .seconds(let seconds): seconds * 1_000
        case .date(let date): max(0, date.milliseconds - now.milliseconds)
        }
    }
}

/// Dates of HTTP in the three forms that a receiver takes (RFC 9110 §5.6.7).
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let longDays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    static func parse(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ").map(String.init)
        switch parts.count {
        // Sun, 06 Nov 1994 08:49:37 GMT
        case 6 where parts[5] == "GMT" && parts[0].hasSuffix(",") && days.contains(String(parts[0].dropLast())):
            return time(year: number(parts[3], 4), month: parts[2], day: number(parts[1], 2), parts[4])
        // Sunday, 06-Nov-94 08:49:37 GMT
        case 4 where parts[3] == "GMT" && parts[0].hasSuffix(",") && longDays.contains(String(parts[0].dropLast())):
            let date = parts[1].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            guard date.count == 3, let short = number(date[2], 2) else { return nil }
            return time(year: short + (short < 70 ? 2_000 : 1_900), month: date[1], day: number(date[0], 2), parts[2])
        // Sun Nov  6 08:49:37 1994
        case 5 where days.contains(parts[0]):
            return time(
                year: number(parts[4], 4), month: parts[1], day: number(parts[2], parts[2].utf8.count), parts[3])
        default: return nil
        }
    }

    private static func time(year: Int?, month: String, day: Int?, _ clock: String) -> Timestamp? {
        let fields = clock.split(separator: ":", omittingEmptySubsequences: false).map { number(String($0), 2) }
        guard let year, let day, let month = months.firstIndex(of: month), fields.count == 3,
            let hour = fields[0], let minute = fields[1], let second = fields[2], second <= 60
        else { return nil }
        let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
        // A leap second is the one before it.
        return Timestamp(
            parsing: "\(year)-\(two(month + 1))-\(two(day))T\(two(hour)):\(two(minute)):\(two(min(second, 59)))Z")
    }

    private static func number(_ text: String, _ digits: Int) -> Int? {
        guard 1...4 ~= digits, text.utf8.count == digits, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            return nil
        }
        return Int(text)
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
