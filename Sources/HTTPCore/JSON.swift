/// A JSON text (RFC 8259) as a value: what was sent, member order and number texts kept.
///
/// Invariant: values that `parse` made hold no duplicate member names and only valid Unicode. A value: any thread.
package enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSON])
    case object([JSONMember])
}

package struct JSONMember: Sendable, Equatable {
    package let name: String
    package let value: JSON

    package init(name: String, value: JSON) {
        self.name = name
        self.value = value
    }
}

/// A number as its text, so that money never passes through a floating-point type.
package struct JSONNumber: Sendable, Equatable {
    package let text: String

    /// `text` must follow RFC 8259's number grammar; `parse` guarantees it.
    package init(text: String) { self.text = text }

    package init(_ value: Int64) { self.text = String(value) }

    /// The exact integer; nil for a fraction or exponent other than zero (`5.0` and `5e0` are 5) and past Int64.
    package func integer() -> Int64? {
        var digits = text[...]
        if let mark = digits.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            guard digits[digits.index(after: mark)...].allSatisfy({ "+-0".contains($0) }) else { return nil }
            digits = digits[..<mark]
        }
        if let point = digits.firstIndex(of: ".") {
            guard digits[digits.index(after: point)...].allSatisfy({ $0 == "0" }) else { return nil }
            digits = digits[..<point]
        }
        return Int64(digits)
    }
}

/// Why a text is no JSON that Tollgate takes, and where.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    /// Bytes from the start of the text.
    package let offset: Int
    package let reason: String

    package var description: String { "\(reason) at byte \(offset)" }
}

extension JSON {
    /// Arrays and objects within one another.
    package static let nestingDepthMax = 32
    package static let numberCharactersMax = 64

    /// Reads one JSON text, strictly by RFC 8259; refuses besides: duplicate member names, lone surrogates, invalid
    /// UTF-8, nesting past `nestingDepthMax`, numbers past `numberCharactersMax`.
    package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSON {
        try bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
            var parser = JSONParser(bytes)
            return try parser.document()
        }
    }

    /// The member of this name; nil where there is none or this is no object.
    package subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        for member in members where member.name == name { return member.value }
        return nil
    }

    /// The same value without white space, members in the order they were read.
    package func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.element(self)
        return writer.bytes
    }
}
