import HTTPCore
import PageKit

/// A JSON Schema of a description, for people: what a value may be, and the members of an object one by one.
struct SchemaText {
    struct Member {
        let name: String
        let isRequired: Bool
        let words: String
    }

    private let schema: JSON
    private let document: Row
    private static let depthMax = 4

    init(_ schema: JSON, in document: Row) {
        self.document = document
        self.schema = Self.resolved(schema, document)
    }

    /// Every member, those of members behind a full stop.
    var fields: [Member] { members(schema, "", depth: 0) }

    private func members(_ schema: JSON, _ prefix: String, depth: Int) -> [Member] {
        let schema = Self.resolved(schema, document)
        if depth > Self.depthMax { return [] }
        if let items = schema["items"] { return members(items, prefix + "[]", depth: depth + 1) }
        let parts = texts(schema["allOf"])
        if !parts.isEmpty { return parts.flatMap { members($0, prefix, depth: depth) } }
        let required = texts(schema["required"])
        if case .object(let properties)? = schema["properties"] {
            return properties.flatMap { property -> [Member] in
                let name = prefix.isEmpty ? property.name : "\(prefix).\(property.name)"
                let own = SchemaText(property.value, in: document)
                let member = Member(
                    name: name, isRequired: required.contains(.string(property.name)), words: own.words)
                return [member] + own.alternatives.flatMap { members($0, name, depth: depth + 1) }
            }
        }
        return alternatives.count > 1 ? alternatives.flatMap { members($0, prefix, depth: depth + 1) } : []
    }

    private var alternatives: [JSON] {
        let any = texts(schema["anyOf"])
        return schema["properties"] == nil && !any.isEmpty ? any : [schema]
    }

    /// What a value may be, on one line.
    var words: String {
        let kinds = alternatives.map { Self.resolved($0, document) }
        if kinds.count > 1 {
            return Array(Set(kinds.map { SchemaText($0, in: document).words })).sorted().joined(separator: " or ")
        }
        if case .array(let values)? = schema["enum"] {
            return values.map { Row($0).value }.joined(separator: " · ")
        }
        var types = schema["type"].map { texts($0) } ?? []
        if case .string? = schema["type"] { types = [schema["type"] ?? .null] }
        let names = types.map { Row($0).value }.filter { $0 != "null" }
        let isNullable = names.count < types.count
        var words = names.isEmpty ? "any value" : names.joined(separator: " or ")
        if let format = schema["format"] { words = Row(format).value }
        if let items = schema["items"] { words = "list of \(SchemaText(items, in: document).words)" }
        return words + bounds + (isNullable ? ", or null" : "")
    }

    private var bounds: String {
        func number(_ name: String) -> String? { schema[name].map { Row($0).value } }
        if let least = number("minimum"), let most = number("maximum") { return ", \(least) to \(most)" }
        if let most = number("maxLength") { return ", at most \(most) characters" }
        if let most = number("maxItems") { return ", at most \(most)" }
        return ""
    }

    private func texts(_ json: JSON?) -> [JSON] {
        guard case .array(let values)? = json else { return [] }
        return values
    }

    private static func resolved(_ schema: JSON, _ document: Row) -> JSON {
        guard case .string(let reference)? = schema["$ref"], let name = reference.split(separator: "/").last else {
            return schema
        }
        return document.row("components")?.row("schemas")?.row(String(name))?.json ?? schema
    }
}

/// JSON on several lines, as people read it.
enum Indented {
    static func text(_ json: JSON, _ indent: String = "") -> String {
        switch json {
        case .object(let members) where !members.isEmpty:
            let lines = members.map { member in
                let name = String(decoding: JSON.string(member.name).encoded(), as: UTF8.self)
                return "\(indent)  \(name): \(text(member.value, indent + "  "))"
            }
            return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
        case .array(let values) where !values.isEmpty:
            let lines = values.map { "\(indent)  \(text($0, indent + "  "))" }
            return "[\n\(lines.joined(separator: ",\n"))\n\(indent)]"
        default: return String(decoding: json.encoded(), as: UTF8.self)
        }
    }
}
