import Glibc

/// Chunked bodies (RFC 9112 §7.1).
extension RequestParser {
    enum ChunkLine {
        case needMore
        case size(Int)
        case refused(String)
    }

    enum TrailerLine {
        case needMore
        case field(bytes: Int)
        case last
        case refused(String)
    }

    /// `1*8HEXDIG chunk-ext CRLF` (RFC 9112 §7.1.1). Extensions are read by their grammar, then ignored.
    func chunkLine(_ bytes: UnsafeBufferPointer<UInt8>, _ cursor: inout Int) -> ChunkLine {
        guard let base = bytes.baseAddress, cursor < bytes.count else { return .needMore }
        let line = base + cursor
        let available = bytes.count - cursor
        guard ByteScan.hexValue(line[0]) != nil else { return .refused("Chunk size without digits.") }
        guard let count = lineLength(line, min(available, Self.chunkLineBytesMax)) else {
            return available >= Self.chunkLineBytesMax ? .refused("Chunk size line too long.") : .needMore
        }
        guard count > 0, line[count - 1] == ByteScan.carriageReturn else {
            return .refused("Bare LF after a chunk size.")
        }
        let end = count - 1
        var size = 0
        var digits = 0
        while digits < end, let value = ByteScan.hexValue(line[digits]) {
            digits += 1
            if digits > Self.chunkSizeDigitsMax { return .refused("Chunk size too long.") }
            size = size << 4 | value
        }
        if digits < end, !ChunkExtensions.areValid(line + digits, end - digits) {
            return .refused("Malformed chunk extension.")
        }
        cursor += count + 1
        return .size(size)
    }

    /// One trailer field or the empty line. Fields must be well-formed, though they are dropped.
    func trailerLine(_ bytes: UnsafeBufferPointer<UInt8>, _ cursor: inout Int, _ bytesLeft: Int) -> TrailerLine {
        guard let base = bytes.baseAddress, cursor < bytes.count else { return .needMore }
        let line = base + cursor
        let available = bytes.count - cursor
        guard let count = lineLength(line, min(available, bytesLeft)) else {
            return available >= bytesLeft ? .refused("Trailers too long.") : .needMore
        }
        guard count > 0, line[count - 1] == ByteScan.carriageReturn else { return .refused("Bare LF in a trailer.") }
        let end = count - 1
        cursor += count + 1
        if end == 0 { return .last }
        var name = 0
        while name < end, ByteScan.isToken(line[name]) { name += 1 }
        guard name > 0, name < end, line[name] == 0x3A, ByteScan.isFieldText(line + name, end - name) else {
            return .refused("Malformed trailer.")
        }
        return .field(bytes: count + 1)
    }

    /// Bytes before the first line feed.
    private func lineLength(_ line: UnsafePointer<UInt8>, _ count: Int) -> Int? {
        guard count > 0, let found = memchr(line, Int32(ByteScan.lineFeed), count) else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(line)
    }
}
