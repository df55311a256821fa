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

    /// Of decimal digits alone, as queries and files write whole numbers; nil for anything else.
    package init?(plain text: some StringProtocol) {
        guard 1...JSON.numberCharactersMax ~= text.utf8.count, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            return nil
        }
        self.text = String(text)
    }

    /// The exact integer of any text that has one (`5.0`, `0.5e1` and `50e-1` are 5, `-0` is 0); nil for a fraction and
    /// past Int64.
    package func integer() -> Int64? {
        if let plain = Int64(text) { return plain }
        guard let (digits, exponent) = significant(), exponent >= 0, digits.count + exponent <= Self.int64DigitsMax
        else {
            return nil
        }
        if digits.isEmpty { return 0 }
        let sign = text.utf8.first == 0x2D ? "-" : ""
        return Int64(sign + String(decoding: digits, as: UTF8.self) + String(repeating: "0", count: exponent))
    }

    /// Whether its value is whole, however large.
    package var isInteger: Bool { Int64(text) != nil || significant().map { $0.exponent >= 0 } ?? false }

    /// One text for each value: significant digits and a power of ten.
    package var canonical: String {
        guard let (digits, exponent) = significant() else { return text }
        if digits.isEmpty { return "0" }
        let sign = text.utf8.first == 0x2D ? "-" : ""
        return "\(sign)\(String(decoding: digits, as: UTF8.self))e\(exponent)"
    }

    private static let int64DigitsMax = 19

    /// The digits without zeros at either end, and the power of ten that the last one stands for; no digits for zero.
    /// Nil where the exponent is beyond counting, which a zero's may be.
    private func significant() -> (digits: ArraySlice<UInt8>, exponent: Int)? {
        var parts = text.utf8.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 | 0x20 == 0x65 }[...]
        let mantissa = parts.removeFirst()
        let point = mantissa.firstIndex(of: 0x2E)
        let fraction = point.map { mantissa.distance(from: $0, to: mantissa.endIndex) - 1 } ?? 0
        var digits = mantissa.filter { $0 >= 0x30 && $0 <= 0x39 }[...]
        var trailing = 0
        while digits.last == 0x30 {
            digits.removeLast()
            trailing += 1
        }
        digits = digits.drop { $0 == 0x30 }
        if digits.isEmpty { return ([], 0) }
        guard let power = parts.first.map({ Int(String($0) ?? "") }) ?? 0, abs(power) < 1 << 40 else { return nil }
        return (digits, power - fraction + trailing)
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
    package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSON { try parse(bytes, isSent: false) }

    /// The same of what somebody sent us: refuses besides more than `String.marksMax` combining marks in a row.
    package static func parse(sent bytes: [UInt8]) throws(JSONError) -> JSON { try parse(bytes, isSent: true) }

    private static func parse(_ bytes: [UInt8], isSent: Bool) throws(JSONError) -> JSON {
        try bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
            var parser = JSONParser(bytes, isSent: isSent)
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
