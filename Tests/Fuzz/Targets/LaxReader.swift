/// A second reader of HTTP/1.1 messages, as forgiving as those that stand in front of and behind gateways: lines end at
/// LF, the last Content-Length counts, "chunked" anywhere in Transfer-Encoding is chunked, chunk sizes end at the first
/// byte that is no digit. It only serves to disagree.
struct LaxReader {
    struct Message {
        let body: [UInt8]
    }

    private let input: [UInt8]
    private(set) var at = 0

    init(_ input: [UInt8]) { self.input = input }

    mutating func next() -> Message? {
        var line = takeLine()
        while let empty = line, empty.isEmpty { line = takeLine() }
        guard line != nil else { return nil }
        var length = 0
        var isChunked = false
        while let field = takeLine(), !field.isEmpty {
            let parts = field.split(separator: 0x3A, maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            let value = text(parts[1])
            switch text(parts[0]) {
            case "content-length": length = Int(value) ?? 0
            case "transfer-encoding": isChunked = value.contains("chunked")
            default: break
            }
        }
        if isChunked { return chunked() }
        guard length >= 0, length <= input.count - at else { return nil }
        defer { at += length }
        return Message(body: Array(input[at..<at + length]))
    }

    private mutating func chunked() -> Message? {
        var body: [UInt8] = []
        while let line = takeLine() {
            let digits = String(decoding: line.prefix { Character(UnicodeScalar($0)).isHexDigit }, as: UTF8.self)
            guard let size = Int(digits, radix: 16) else { return nil }
            if size == 0 {
                while let trailer = takeLine() { if trailer.isEmpty { return Message(body: body) } }
                return nil
            }
            guard size <= input.count - at else { return nil }
            body += input[at..<at + size]
            at += size
            _ = takeLine()
        }
        return nil
    }

    /// Without its end; nil where there is none any more.
    private mutating func takeLine() -> ArraySlice<UInt8>? {
        guard let end = input[at...].firstIndex(of: 0x0A) else { return nil }
        defer { at = end + 1 }
        return end > at && input[end - 1] == 0x0D ? input[at..<end - 1] : input[at..<end]
    }

    private func text(_ bytes: ArraySlice<UInt8>) -> String {
        let from = bytes.firstIndex { $0 != 0x20 && $0 != 0x09 } ?? bytes.endIndex
        let to = bytes.lastIndex { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? from
        return String(decoding: bytes[from..<max(from, to)], as: UTF8.self).lowercased()
    }
}
