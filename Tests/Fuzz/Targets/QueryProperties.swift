import HTTPCore

/// What is decoded encodes and decodes as the same; as a form and as a query it is the same; no name or value holds a
/// NUL.
enum QueryProperties {
    static func check(_ input: [UInt8]) throws(Violation) {
        guard let text = String(validating: input, as: UTF8.self) else {
            try demand((try? Query(form: input)) == nil, "invalid UTF-8 was read")
            return
        }
        if let segment = try? percentDecoded(text) {
            try demand(
                (try? percentDecoded(encoded(segment))).map { Array($0.utf8) } == Array(segment.utf8),
                "a segment changed")
        }
        guard let query = try? Query(parsing: text) else {
            try demand((try? Query(form: input)) == nil, "a form takes what a query refuses")
            return
        }
        try demand(query.pairs.count <= Query.pairsMax, "too many pairs")
        try same(try? Query(form: input), query, "as a form it is another query")
        let written = query.pairs.map { "\(encoded($0.name))=\(encoded($0.value))" }.joined(separator: "&")
        try same(try? Query(parsing: written), query, "what was written is read as another query")
        for (name, value) in query.pairs where !text.utf8.contains(0) {
            try demand(!name.utf8.contains(0) && !value.utf8.contains(0), "a NUL was made")
        }
    }

    private static func same(_ other: Query?, _ query: Query, _ property: String) throws(Violation) {
        func bytes(_ query: Query) -> [[UInt8]] { query.pairs.flatMap { [Array($0.name.utf8), Array($0.value.utf8)] } }
        guard let other, bytes(other) == bytes(query) else {
            // A NUL that came bare has no encoded form that is taken.
            if query.pairs.contains(where: { $0.name.utf8.contains(0) || $0.value.utf8.contains(0) }) { return }
            throw Violation(property)
        }
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = byte >= 0x30 && byte <= 0x39 || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
            return isPlain ? String(UnicodeScalar(byte)) : byte == 0 ? "\0" : "%" + hex(byte)
        }.joined()
    }

    private static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
}
