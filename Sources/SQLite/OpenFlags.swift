import CSQLite

/// How a file is opened.
package struct OpenFlags: OptionSet, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let readWrite = OpenFlags(rawValue: SQLITE_OPEN_READWRITE)
    package static let create = OpenFlags(rawValue: SQLITE_OPEN_CREATE)
    package static let readOnly = OpenFlags(rawValue: SQLITE_OPEN_READONLY)
    /// Nobody writes to the file while it is open, so neither locks nor journals are looked at: for a copy to be
    /// verified.
    package static let immutable = OpenFlags(rawValue: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)

    /// What `sqlite3_open_v2` is given for a path.
    func name(of path: String) -> String {
        guard contains(.immutable) else { return path }
        // These three have a meaning in a URI; every other byte goes through as it is.
        let escaped = path.flatMap { character in
            switch character {
            case "?": "%3f"
            case "#": "%23"
            case "%": "%25"
            default: String(character)
            }
        }
        return "file:" + String(escaped) + "?immutable=1"
    }
}
