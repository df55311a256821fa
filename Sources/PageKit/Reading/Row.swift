package import HTTPCore

/// An object of an API's answer, as a page reads it. In debug builds a member that the answer does not have is a
/// defect; one that is null is empty. A value: any thread.
package struct Row: Sendable {
    package let json: JSON

    package init(_ json: JSON) { self.json = json }

    /// A member's text: a string as it is, a number as it was written, `true` or `false`; empty for null.
    package subscript(_ name: String) -> String { text(name) ?? "" }

    /// The same; nil for null.
    package func text(_ name: String) -> String? { Self.text(of: member(name)) }

    /// The same of a member that answers may leave out.
    package func optional(_ name: String) -> String? { Self.text(of: json[name]) }

    package func int(_ name: String) -> Int {
        guard case .number(let number)? = member(name) else { return 0 }
        return number.integer().flatMap { Int(exactly: $0) } ?? 0
    }

    package func bool(_ name: String) -> Bool { member(name) == .bool(true) }

    /// A member that is an object; nil for null and where it is left out.
    package func row(_ name: String) -> Row? {
        guard let value = json[name], case .object = value else { return nil }
        return Row(value)
    }

    /// A member that is an array of objects; none for null.
    package func rows(_ name: String = "data") -> [Row] {
        guard case .array(let values)? = member(name) else { return [] }
        return values.map(Row.init)
    }

    /// A member that is an array of texts.
    package func texts(_ name: String) -> [String] {
        guard case .array(let values)? = json[name] else { return [] }
        return values.compactMap { Self.text(of: $0) }
    }

    /// Names and values of an object whose names are data.
    package var members: [(name: String, value: Row)] {
        guard case .object(let members) = json else { return [] }
        return members.map { ($0.name, Row($0.value)) }
    }

    /// Of a key: its name and what is shown of it, since another may have the same name.
    package var nameOfKey: String {
        let shown = "\(self["prefix"])…"
        return optional("name").map { "\($0) (\(shown))" } ?? shown
    }

    /// The value itself, where it is no object.
    package var value: String { Self.text(of: json) ?? "" }

    private func member(_ name: String) -> JSON? {
        let value = json[name]
        assert(value != nil, "the answer has no \(name)")
        return value
    }

    private static func text(of json: JSON?) -> String? {
        switch json {
        case .string(let text): text
        case .number(let number): number.text
        case .bool(let value): value ? "true" : "false"
        case .null, .array, .object, nil: nil
        }
    }
}
