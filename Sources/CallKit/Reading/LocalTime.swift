/// A time as a form's field of kind `datetime-local` sends it: without a zone. Pages mean UTC.
package enum LocalTime {
    /// RFC 3339 of `2026-11-28T14:00` or `2026-11-28T14:00:05`; nil for every other text.
    package static func utc(_ text: String) -> String? {
        let shape = String(text.map { $0.isASCII && $0.isNumber ? "0" : $0 })
        switch shape {
        case "0000-00-00T00:00": return text + ":00Z"
        case "0000-00-00T00:00:00": return text + "Z"
        case "0000-00-00T00:00:00.000": return text + "Z"
        default: return nil
        }
    }
}
