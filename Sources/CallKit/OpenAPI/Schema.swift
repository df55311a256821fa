package import HTTPCore

/// What a body, a member or a parameter looks like: a JSON Schema (2020-12, as OpenAPI 3.1 takes it), written beside
/// the route that reads or writes it. A dictionary literal is an object:
/// `["email": .email, "company": .text(200).optional]`.
///
/// Invariant: `components` holds every named schema that `keywords` refer to. A value: any thread.
package struct Schema: Sendable, ExpressibleByDictionaryLiteral {
    private(set) var keywords: [JSONMember]
    private(set) var components: [String: [JSONMember]] = [:]
    private(set) var mayBeAbsent = false
    /// Media types that a whole body may have besides JSON, or instead.
    private(set) var mediaTypes: [String] = []
    private(set) var isJSON = true

    init(_ keywords: KeyValuePairs<String, JSON>) {
        self.keywords = keywords.map { JSONMember(name: $0.key, value: $0.value) }
    }

    package init(dictionaryLiteral members: (String, Schema)...) { self.init(members: members) }

    init(members: [(name: String, schema: Schema)]) {
        let required = members.filter { !$0.schema.mayBeAbsent }.map { JSON.string($0.name) }
        keywords = [
            JSONMember(name: "type", value: .string("object")),
            JSONMember(
                name: "properties", value: .object(members.map { JSONMember(name: $0.name, value: $0.schema.json) })),
        ]
        if !required.isEmpty { keywords.append(JSONMember(name: "required", value: .array(required))) }
        for member in members { absorb(member.schema) }
    }

    var json: JSON { .object(keywords) }

    /// Each media type of a whole body, and what it looks like then.
    var contents: [(mediaType: String, schema: JSON)] {
        (isJSON ? [("application/json", json)] : [])
            + mediaTypes.map { ($0, Self.file(of: $0)) }
    }

    private static func file(of mediaType: String) -> JSON {
        let isText = mediaType.hasPrefix("text/") || mediaType == "application/jsonl"
        return isText ? string.json : string.with("format", .string("binary")).json
    }

    mutating func absorb(_ part: Schema) { components.merge(part.components) { first, _ in first } }

    /// With one more keyword, or another value of it.
    package func with(_ name: String, _ value: JSON) -> Schema {
        var copy = self
        copy.keywords.removeAll { $0.name == name }
        copy.keywords.append(JSONMember(name: name, value: value))
        return copy
    }

    // MARK: How it may be missing

    /// May be left out or null, which is the same: how `FieldReader` reads what is optional.
    package var optional: Schema { nullable.omittable }

    /// May be left out, but not null.
    package var omittable: Schema {
        var copy = self
        copy.mayBeAbsent = true
        return copy
    }

    package var nullable: Schema {
        var copy = self
        if case .string(let type)? = json["type"], json["enum"] == nil {
            return with("type", .array([.string(type), .string("null")]))
        }
        copy.keywords =
            Schema(["anyOf": .array([json, .object([JSONMember(name: "type", value: .string("null"))])])])
            .keywords
        return copy
    }

    // MARK: Objects and arrays

    /// The members of both.
    package static func + (left: Schema, right: Schema) -> Schema {
        var sum = left
        sum.absorb(right)
        func members(_ name: String) -> JSON {
            switch (left.json[name], right.json[name]) {
            case (.object(let left)?, .object(let right)?): .object(left + right)
            case (.array(let left)?, .array(let right)?): .array(left + right)
            case (let left, let right): left ?? right ?? .array([])
            }
        }
        for name in ["properties", "required"] where left.json[name] != nil || right.json[name] != nil {
            sum = sum.with(name, members(name))
        }
        return sum
    }

    /// A change of a part: at least one of the members has to be there.
    package static func change(_ members: Schema) -> Schema {
        guard case .object(let properties)? = members.json["properties"] else { return members }
        return members.with(
            "anyOf",
            .array(
                properties.map { .object([JSONMember(name: "required", value: .array([.string($0.name)]))]) }))
    }

    /// One of these members has to be there and not be null.
    package func needingOne(of names: [String]) -> Schema {
        let there = Schema(["not": Schema(["type": .string("null")]).json])
        return with(
            "anyOf",
            .array(names.map { Schema(members: [($0, there)]).with("type", .string("object")).json }))
    }

    /// As one or as the other.
    package static func either(_ schemas: Schema...) -> Schema {
        var either = Schema(["anyOf": .array(schemas.map(\.json))])
        for schema in schemas { either.absorb(schema) }
        return either
    }

    /// No member that is not described is taken, in no part of it.
    package var closedThroughout: Schema {
        var copy = self
        copy.keywords = Self.closed(keywords)
        copy.components = components.mapValues { Self.closed($0) }
        return copy
    }

    /// Alternatives of an object that has members of its own say which of these have to be there, and stay open.
    private static func closed(_ keywords: [JSONMember]) -> [JSONMember] {
        func closed(_ json: JSON) -> JSON {
            switch json {
            case .object(let keywords): .object(Self.closed(keywords))
            case .array(let schemas): .array(schemas.map(closed))
            default: json
            }
        }
        let members = keywords.first { $0.name == "properties" }
        var result = keywords.map { keyword in
            switch keyword.name {
            case "items": return JSONMember(name: keyword.name, value: closed(keyword.value))
            case "anyOf" where members == nil: return JSONMember(name: keyword.name, value: closed(keyword.value))
            case "properties":
                guard case .object(let described) = keyword.value else { return keyword }
                let parts = described.map { JSONMember(name: $0.name, value: closed($0.value)) }
                return JSONMember(name: keyword.name, value: .object(parts))
            default: return keyword
            }
        }
        if members != nil, !keywords.contains(where: { $0.name == "additionalProperties" }) {
            result.append(JSONMember(name: "additionalProperties", value: .bool(false)))
        }
        return result
    }

    package static func array(of element: Schema, count: ClosedRange<Int>? = nil) -> Schema {
        var array = Schema(["type": .string("array"), "items": element.json])
        if let count {
            array = array.with("minItems", .int(count.lowerBound)).with("maxItems", .int(count.upperBound))
        }
        array.absorb(element)
        return array
    }

    /// Members whose names are data.
    package static func map(of element: Schema) -> Schema {
        var map = Schema(["type": .string("object"), "additionalProperties": element.json])
        map.absorb(element)
        return map
    }

    /// Described once, under this name.
    package static func named(_ name: String, _ schema: Schema) -> Schema {
        var reference = Schema(["$ref": .string("#/components/schemas/\(name)")])
        reference.absorb(schema)
        reference.components[name] = schema.keywords
        return reference
    }

    // MARK: Whole bodies that are no JSON

    /// A file of one of these media types.
    package static func file(_ mediaTypes: String...) -> Schema {
        var file = Schema([:])
        file.mediaTypes = mediaTypes
        file.isJSON = false
        return file
    }

    /// JSON, or a file of this media type.
    package func orFile(_ mediaType: String) -> Schema {
        var copy = self
        copy.mediaTypes.append(mediaType)
        return copy
    }
}

// MARK: Values

extension Schema {
    package static let string = Schema(["type": .string("string")])
    package static let boolean = Schema(["type": .string("boolean")])
    package static let integer = Schema(["type": .string("integer")])
    package static let number = Schema(["type": .string("number")])
    package static let object = Schema(["type": .string("object")])
    /// Milliseconds since 1970.
    package static let milliseconds = integer
    package static let time = Schema([
        "type": .string("string"), "format": .string("date-time"), "minLength": .int(20),
    ])
    package static let day = Schema(["type": .string("string"), "format": .string("date"), "minLength": .int(10)])
    /// An amount or a share in an answer, exact.
    package static let decimal = Schema([
        "type": .string("string"), "pattern": .string(#"^-?[0-9]+(\.[0-9]+)?$"#),
    ])

    /// Characters are Unicode scalars in NFC. What nobody sees is refused, as far as the basic plane goes, and so is
    /// white space alone.
    package static func text(_ most: Int, least: Int = 1) -> Schema {
        let pattern = "[^\(unseen)]*[^\\s\(unseen)][^\(unseen)]*"
        return sized(least...most, least == 0 ? "^(\(pattern))?$" : "^\(pattern)$")
    }

    /// The same in several lines.
    package static func lines(_ most: Int) -> Schema {
        let unseen = unseen.replacing(#"\u0000-\u001f"#, with: #"\u0000-\u0008\u000b\u000c\u000e-\u001f"#)
        return sized(1...most, "^[^\(unseen)]*[^\\s\(unseen)][^\(unseen)]*$")
    }

    package static func text(_ characters: ClosedRange<Int>) -> Schema {
        text(characters.upperBound, least: characters.lowerBound)
    }

    /// The same for what programs compare: no white space but spaces inside.
    package static func id(_ most: Int, least: Int = 1) -> Schema {
        let unseen = unseen + #"\u202a-\u202e\u2066-\u2069"#
        return sized(least...most, "^[^\\s\(unseen)]([^\\t-\\r\(unseen)]*[^\\s\(unseen)])?$")
    }

    /// Any characters but control characters: passwords.
    package static func textAsSent(_ characters: ClosedRange<Int>) -> Schema {
        sized(characters, #"^[^\u0000-\u001f\u007f-\u009f]*$"#)
    }

    /// Printable ASCII without a space at an end: what a header field carries as it is.
    package static func printable(_ characters: ClosedRange<Int>) -> Schema {
        sized(characters, "^[!-~][ -~]*[!-~]$")
    }

    private static func sized(_ characters: ClosedRange<Int>, _ pattern: String) -> Schema {
        Schema([
            "type": .string("string"), "minLength": .int(characters.lowerBound),
            "maxLength": .int(characters.upperBound), "pattern": .string(pattern),
        ])
    }

    /// In a class of characters of a pattern.
    private static let unseen =
        #"\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"#
        + #"\u2028\u2029\u2060-\u2065\u206a-\u206f\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"#

    package static func matching(_ pattern: String) -> Schema {
        Schema(["type": .string("string"), "pattern": .string(pattern)])
    }

    package static let email = Schema([
        "type": .string("string"), "format": .string("email"), "minLength": .int(3),
        "maxLength": .int(EmailAddress.octetsMax), "pattern": .string("^[^=+-]"),
    ])

    package static func integer(_ range: ClosedRange<Int64>) -> Schema {
        Schema([
            "type": .string("integer"), "minimum": .number(JSONNumber(range.lowerBound)),
            "maximum": .number(JSONNumber(range.upperBound)),
        ])
    }

    package static func one(of names: [String]) -> Schema {
        Schema(["type": .string("string"), "enum": .array(names.map { .string($0) })])
    }

    package static func choice<T: RawRepresentable & CaseIterable>(_: T.Type) -> Schema where T.RawValue == String {
        one(of: T.allCases.map(\.rawValue))
    }

    /// In a body: a decimal string or a number, exact to so many digits (1…) after the point; bounds in whole units.
    package static func exact(_ range: ClosedRange<Int64>, digits: Int) -> Schema {
        let sign = range.lowerBound < 0 ? "-?" : ""
        // Upper bounds are powers of ten: fewer digits, or the bound itself.
        let below = "[0-9]{1,\(String(range.upperBound).count - 1)}(\\.[0-9]{1,\(digits)})?"
        let text = matching("^\(sign)(\(below)|\(range.upperBound))$")
        return either(text, exactNumber(range, digits: digits))
    }

    /// The same as a number alone.
    package static func exactNumber(_ range: ClosedRange<Int64>, digits: Int) -> Schema {
        let step = "0." + String(repeating: "0", count: digits - 1) + "1"
        return integer(range).with("type", .string("number")).with("multipleOf", .number(JSONNumber(text: step)))
    }

    /// In a body: an amount. `digits` after the point: those of the currency where it is to be paid.
    package static func amount(_ range: ClosedRange<Money>, digits: Int = Money.fractionDigits) -> Schema {
        exact(range.lowerBound.wholeUnits...range.upperBound.wholeUnits, digits: digits)
    }

    package static let percent = exact(0...100, digits: Percent.fractionDigits)
}

extension Money {
    package var wholeUnits: Int64 { micros / 1_000_000 }
}

extension JSON {
    package static func int(_ value: Int) -> JSON { .number(JSONNumber(Int64(value))) }
}
