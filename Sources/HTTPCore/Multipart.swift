/// The fields and the file of a `multipart/form-data` body (RFC 7578), as browsers send a form that has a file.
package struct Multipart: Sendable {
    /// In the order they were sent; fields of the name `file` have no text here.
    package let pairs: [(name: String, value: String)]
    /// The content of the one part that has a file name; nil where there is none, or an empty one.
    package let file: [UInt8]?

    package static let partsMax = 256

    /// Nil where it is no such body: without its last boundary, with a part that has no name, with two files, with more
    /// parts than `partsMax`, or with more combining marks in a row than `String.marksMax`.
    package init?(_ body: [UInt8], boundary: String) {
        guard 1...70 ~= boundary.utf8.count else { return nil }
        let mark = Array("--\(boundary)".utf8)
        var rest = body[...]
        guard rest.starts(with: mark) else { return nil }
        rest = rest.dropFirst(mark.count)
        let between = Array("\r\n".utf8) + mark
        var pairs: [(name: String, value: String)] = []
        var file: [UInt8]?
        var parts = 0
        while !rest.starts(with: Array("--".utf8)) {
            guard parts < Self.partsMax, rest.starts(with: [0x0D, 0x0A]) else { return nil }
            parts += 1
            rest = rest.dropFirst(2)
            guard let end = rest.firstPlace(of: between) else { return nil }
            guard let part = Part(rest[rest.startIndex..<end]) else { return nil }
            if part.hasFileName {
                if !part.content.isEmpty {
                    if file != nil { return nil }
                    file = Array(part.content)
                }
            } else {
                guard let text = String(validating: part.content, as: UTF8.self), !text.hasTooManyMarks else {
                    return nil
                }
                pairs.append((part.name, text))
            }
            rest = rest[(end + between.count)...]
        }
        self.pairs = pairs
        self.file = file
    }

    /// The boundary that a content type names; nil where it is no such type.
    package static func boundary(of contentType: String) -> String? {
        guard contentType.lowercased().hasPrefix("multipart/form-data") else { return nil }
        return Part.value(of: "boundary", in: contentType[...])
    }

    private struct Part {
        let name: String
        let hasFileName: Bool
        let content: ArraySlice<UInt8>

        init?(_ bytes: ArraySlice<UInt8>) {
            guard let end = bytes.firstPlace(of: Array("\r\n\r\n".utf8)),
                let head = String(validating: bytes[bytes.startIndex..<end], as: UTF8.self), !head.hasTooManyMarks
            else { return nil }
            content = bytes[(end + 4)...]
            guard
                let disposition = head.split(separator: "\r\n").first(where: {
                    $0.lowercased().hasPrefix("content-disposition:")
                }), let name = Self.value(of: "name", in: disposition)
            else { return nil }
            self.name = name
            hasFileName = Self.value(of: "filename", in: disposition) != nil
        }

        private static let (semicolon, equals, quote) = (UInt8(ascii: ";"), UInt8(ascii: "="), UInt8(ascii: "\""))

        /// Behind a semicolon, its name in any case. What stands between quotes is one piece, whatever is in it.
        static func value(of parameter: String, in field: Substring) -> String? {
            var rest = field.utf8.drop { $0 != semicolon }
            while rest.first == semicolon {
                rest = rest.dropFirst().drop { $0 == 0x20 || $0 == 0x09 }
                let name = rest.prefix { $0 != equals && $0 != semicolon }
                rest = rest[name.endIndex...]
                guard rest.first == equals else { continue }
                rest = rest.dropFirst()
                let end = rest.first == quote ? quote : semicolon
                if end == quote { rest = rest.dropFirst() }
                let value = rest.prefix { $0 != end }
                rest = rest[value.endIndex...].drop { $0 != semicolon }
                if name.elementsEqual(parameter.utf8, by: { $0 | 0x20 == $1 }) { return decoded(value) }
            }
            return nil
        }

        /// What browsers write for a quote and for line ends, and nothing else: other percent signs stand for
        /// themselves (WHATWG HTML, “multipart/form-data encoding algorithm”).
        private static let escapes: [(text: String, byte: UInt8)] = [("%22", 0x22), ("%0D", 0x0D), ("%0A", 0x0A)]

        private static func decoded(_ value: Substring.UTF8View) -> String {
            var bytes: [UInt8] = []
            var rest = value
            while let byte = rest.first {
                let escape = byte == UInt8(ascii: "%") ? escapes.first { rest.starts(with: $0.text.utf8) } : nil
                bytes.append(escape?.byte ?? byte)
                rest = rest.dropFirst(escape?.text.utf8.count ?? 1)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

extension ArraySlice<UInt8> {
    /// Where these bytes stand first.
    fileprivate func firstPlace(of bytes: [UInt8]) -> Int? {
        guard let first = bytes.first, count >= bytes.count else { return nil }
        return withUnsafeBufferPointer { buffer in
            var place = 0
            let last = buffer.count - bytes.count
            while place <= last {
                if buffer[place] == first, (1..<bytes.count).allSatisfy({ buffer[place + $0] == bytes[$0] }) {
                    return startIndex + place
                }
                place += 1
            }
            return nil
        }
    }
}
