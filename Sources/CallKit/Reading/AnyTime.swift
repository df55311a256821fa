import HTTPCore
package import TenantRegistry

/// A time as any caller writes it: RFC 3339, a day, which stands for its first instant in UTC, or milliseconds since
/// 1970, as the answers of some APIs have it.
package enum AnyTime {
    package static let text = Schema.either(.moment, .matching("^[1-9][0-9]{4,15}$"))
    package static let expected = "must be an RFC 3339 time, a day (YYYY-MM-DD) or milliseconds since 1970"

    /// Milliseconds are of five digits or more, which no year has.
    package static func parse(_ text: String) -> Timestamp? {
        if text.utf8.count > 4, text.first != "0", let number = JSONNumber(plain: text)?.integer() {
            return Timestamp(milliseconds: number)
        }
        return Timestamp(parsingTimeOrDay: text)
    }
}
