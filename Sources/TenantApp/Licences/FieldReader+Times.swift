import HTTPCore
import TenantRegistry

extension FieldReader {
    /// An RFC 3339 time, or a day, which stands for its first instant in UTC.
    mutating func time(_ name: String) -> Timestamp? {
        guard let text = string(name, characters: 1...64) else { return nil }
        guard let time = Timestamp(parsingTimeOrDay: text) else {
            fail(name, code: "format", detail: "must be an RFC 3339 time or a day (YYYY-MM-DD)")
            return nil
        }
        return time
    }
}
