package import HTTPCore

/// Bodies that change a part of something (PATCH) or the whole of it (PUT).
extension FieldReader {
    /// A change names at least one of these, and sets none to null but those in `clearable`.
    package mutating func expectChange(of names: [String], clearable: [String] = []) {
        // A misspelt name is told as such where the reader does so.
        let isTold = refusesUnknown && !memberNames.isEmpty
        if !isTold { expectAny(of: names) }
        for name in names where isNull(name) && !clearable.contains(name) {
            fail(name, code: "type", detail: "cannot be null")
        }
    }

    /// One of these at least, where nothing else is wrong.
    package mutating func expectAny(of names: [String]) {
        guard errors.isEmpty, !names.contains(where: { has($0) }) else { return }
        failWhole(code: "required", detail: "must name at least one of \(names.joined(separator: ", "))")
    }

    /// What was sent for a member that null clears: nil where it is absent, `.some(nil)` for null.
    package mutating func change<T>(_ name: String, _ read: (inout FieldReader) -> T?) -> T?? {
        guard has(name) else { return nil }
        return .some(isNull(name) ? nil : read(&self))
    }
}
