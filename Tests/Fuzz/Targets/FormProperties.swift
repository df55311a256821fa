import CallKit
import HTTPCore

/// Whatever a form's fields are, they stand for one object: each name once, no deeper than names go, readable as JSON,
/// and the same whether the form came as pairs or in parts.
enum FormProperties {
    private static let schema: Schema = [
        "text": .text(200), "flag": .boolean, "count": .integer, "when": Schema.time.optional,
        "limit": (["requests": .integer, "burst": Schema.integer.optional] as Schema).optional,
        "names": .array(of: .string), "rows": .array(of: ["sku": .text(20), "price": .decimal]),
        "prices": .map(of: .decimal),
    ]
    /// The object itself, then one level for each piece of a name.
    private static let levelsMax = 9

    static func check(_ input: [UInt8]) throws(Violation) {
        guard let pairs = try? Query(form: input).pairs else { return }
        for isChange in [false, true] {
            let body = schema.body(ofForm: pairs, isChange: isChange)
            guard case .object(let members) = body else { throw Violation("a form is no object") }
            try demand(members.allSatisfy { !$0.name.hasPrefix("_") }, "a field of the form's own is in the body")
            try judge(body, level: 1)
            let written = body.encoded()
            try demand((try? JSON.parse(written))?.encoded() == written, "the body is read as another")
        }
        try texts(pairs)
    }

    private static func judge(_ value: JSON, level: Int) throws(Violation) {
        switch value {
        case .object(let members):
            try demand(level <= levelsMax, "a body that is deeper than names go")
            try demand(Set(members.map(\.name)).count == members.count, "a name stands twice")
            for member in members { try judge(member.value, level: level + 1) }
        case .array(let elements):
            for element in elements { try judge(element, level: level + 1) }
        case .null, .bool, .number, .string: break
        }
    }

    /// A text is the last one that was sent.
    private static func texts(_ pairs: [(name: String, value: String)]) throws(Violation) {
        let sent = pairs.filter { $0.name == "text" }
        let isNested = pairs.contains { $0.name.split(separator: ".", omittingEmptySubsequences: false).count > 1 }
        guard let last = sent.last, !isNested else { return }
        let expected = JSON.string(last.value)
        try demand(schema.body(ofForm: pairs, isChange: false)["text"] == expected, "a text is another")
    }
}
