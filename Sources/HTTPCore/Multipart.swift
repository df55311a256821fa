/// The fields and the file of a `multipart/form-data` body (RFC 7578), as browsers send a form that has a file.
package struct Multipart: Sendable {
    /// In the order they were sent; fields of the name `file` have no text here.
    package let pairs: [(name: String, value: String)]
    /// The content of the one part that has a file name; nil where there is none, or an empty one.
    package let file: [UInt8]?

    package static let partsMax = 256

    /// Nil where it is no such body: without its last boundary, with a part that has no name, or with two files.
    package init?(_ body: [UInt8], boundary: String) {
        guard 1...70 ~= boundary.utf8.count else { return nil }
        let mark = Array("--\(boundary)".utf8)
        var rest = body[...]
        guard rest.starts(with: mark) else { return nil }
        rest = rest.dropFirst(mark.count)
        let between = Array("\r\n".utf8) + mark
        var pairs: [(name: String, value: String)] = []
        var file: [UInt8]?
        while !rest.starts(with: Array("--".utf8)) {
            guard pairs.count < Self.partsMax, rest.starts(with: [0x0D, 0x0A]) else { return nil }
            rest = rest.dropFirst(2)
            guard let end = rest.firstPlace(of: between) else { return nil }
            guard let part = Part(rest[rest.startIndex..<end]) else { return nil }
            if part.hasFileName {
                if !part.content.isEmpty {
                    if file != nil { return nil }
                    file = Array(part.content)
                }
            } else {
                guard let text = String(validating: part.content, as: UTF8.self) else { return nil }
                pairs.append((part.name, text))
            }
            rest = rest[(end + between.count)...]
        }
        self.pairs = pairs
        self.file = file
    }

    /// The boundary that a content type names; nil where it is no such type.
    package static func boundary(of contentType: String) -> String? {
        guard contentType.lowercased().hasPrefix("multipart/form-data"),
            let place = contentType.firstRange(of: "boundary=")
        else { return nil }
        let text = contentType[place.upperBound...].prefix { $0 != ";" }
        return text.first == "\"" && text.last == "\"" && text.count > 1
            ? String(text.dropFirst().dropLast()) : String(text)
    }

    private struct Part {
        let name: String
        let hasFileName: Bool
        let content: ArraySlice<UInt8>

        init?(_ bytes: ArraySlice<UInt8>) {
            guard let end = bytes.firstPlace(of: Array("\r\n\r\n".utf8)),
                let head = String(validating: bytes[bytes.startIndex..<end], as: UTF8.self)
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

        /// Browsers write quotes and line ends in a name percent-encoded.
        private static func value(of parameter: String, in disposition: Substring) -> String? {
            for piece in disposition.split(separator: ";").dropFirst() {
                let pair = piece.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
                guard pair.count == 2, pair[0] == parameter else { continue }
                let text = pair[1]
                let bare =
                    text.first == "\"" && text.last == "\"" && text.count > 1 ? text.dropFirst().dropLast() : text
                return try? percentDecoded(String(bare))
            }
            return nil
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
