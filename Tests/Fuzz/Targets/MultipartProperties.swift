import HTTPCore
import TestSeeds

/// A form of parts is read or refused; what was read is written, as browsers write it, and read again as the same; a
/// form that was cut anywhere is none.
enum MultipartProperties {
    /// That of the corpus.
    static let boundary = "b"
    private static let fieldsMax = 8

    static func check(_ input: [UInt8]) throws(Violation) {
        _ = Multipart.boundary(of: String(decoding: input, as: UTF8.self))
        if let form = Multipart(input, boundary: boundary) {
            try demand(form.pairs.count <= Multipart.partsMax, "too many parts")
            try same(Multipart(body(form.pairs, form.file, boundary), boundary: boundary), form.pairs, form.file)
        }
        try built(of: input)
    }

    /// The input as names, values and a file of a form that is whole.
    private static func built(of input: [UInt8]) throws(Violation) {
        var draw = Seeded(input)
        let boundary = "form-\(draw.next())"
        let pairs = input.split(separator: 0x0A, maxSplits: fieldsMax).map { line in
            // A percent sign before digits may stand for something else.
            let name = String(decoding: line.filter { $0 != 0x25 }, as: UTF8.self)
            return (name: name, value: String(decoding: line, as: UTF8.self))
        }
        let file = input.isEmpty ? nil : input
        let whole = body(pairs, file, boundary)
        try same(Multipart(whole, boundary: boundary), pairs, file)
        let cut = Array(whole.prefix(draw.below(whole.count - 3)))
        try demand(Multipart(cut, boundary: boundary) == nil, "a form that was cut is read")
    }

    private static func same(
        _ form: Multipart?, _ pairs: [(name: String, value: String)], _ file: [UInt8]?
    ) throws(Violation) {
        guard let form else { throw Violation("what was written is not read") }
        // As bytes: to Swift, composed and decomposed characters are equal.
        func bytes(_ pairs: [(name: String, value: String)]) -> [[UInt8]] {
            pairs.flatMap { [Array($0.name.utf8), Array($0.value.utf8)] }
        }
        try demand(bytes(form.pairs) == bytes(pairs), "what was written is read as other fields")
        try demand(form.file == file, "what was written is read as another file")
    }

    private static func body(
        _ pairs: [(name: String, value: String)], _ file: [UInt8]?, _ boundary: String
    ) -> [UInt8] {
        var body: [UInt8] = []
        func part(_ disposition: String, _ content: [UInt8]) {
            body += Array("--\(boundary)\r\nContent-Disposition: form-data; \(disposition)\r\n\r\n".utf8)
            body += content + [0x0D, 0x0A]
        }
        for pair in pairs { part("name=\"\(escaped(pair.name))\"", Array(pair.value.utf8)) }
        if let file { part("name=\"file\"; filename=\"100%; x=\u{E9}.png\"\r\nContent-Type: image/png", file) }
        return body + Array("--\(boundary)--\r\n".utf8)
    }

    private static func escaped(_ name: String) -> String {
        let bytes = name.utf8.flatMap { byte -> [UInt8] in
            switch byte {
            case 0x22: Array("%22".utf8)
            case 0x0D: Array("%0D".utf8)
            case 0x0A: Array("%0A".utf8)
            default: [byte]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
