import Glibc
import HTTPCore

/// How far the search for a head's empty line has come; counted from the head's first byte.
struct HeadScan: Sendable {
    var scanned = 0
    var lineStart = 0
    var lines = 0
    /// One empty line before a request is skipped (RFC 9112 §2.2), not more.
    var skippedEmptyLine = false
}

/// Heads: found first, line by line, then read in one pass.
extension RequestParser {
    mutating func nextHead(_ bytes: UnsafeBufferPointer<UInt8>, _ cursor: inout Int) -> Event {
        guard let base = bytes.baseAddress, cursor < bytes.count else { return .needMore }
        if scan.scanned == 0 {
            if base[cursor] == ByteScan.carriageReturn, !scan.skippedEmptyLine {
                if bytes.count - cursor < 2 { return .needMore }
                guard base[cursor + 1] == ByteScan.lineFeed else { return .refused(.bad("Bare CR.")) }
                cursor += 2
                scan.skippedEmptyLine = true
                return nextHead(bytes, &cursor)
            }
            // What cannot become a request (a TLS hello, say) is told so at once rather than at the deadline.
            guard ByteScan.isToken(base[cursor]) else { return .refused(.bad("Malformed request line.")) }
        }
        let head = base + cursor
        let available = min(bytes.count - cursor, headBytesMax)
        // Method, target, two spaces and the version.
        let requestLineMax = Self.methodBytesMax + targetBytesMax + 10
        while scan.scanned < available,
            let found = memchr(head + scan.scanned, Int32(ByteScan.lineFeed), available - scan.scanned)
        {
            let lineFeed = UnsafeRawPointer(found) - UnsafeRawPointer(head)
            if scan.lines == 0, lineFeed > requestLineMax + 1 { return .refused(targetTooLong) }
            guard lineFeed > 0, head[lineFeed - 1] == ByteScan.carriageReturn else { return .refused(.bad("Bare LF.")) }
            if lineFeed - 1 == scan.lineStart {
                let (count, lines) = (scan.lineStart, scan.lines)
                scan = HeadScan()
                cursor += lineFeed + 1
                return readHead(head, count, lines)
            }
            scan.lines += 1
            if scan.lines > fieldsMax + 1 { return .refused(headTooLarge) }
            scan.lineStart = lineFeed + 1
            scan.scanned = lineFeed + 1
        }
        scan.scanned = available
        if scan.lines == 0, available > requestLineMax + 1 { return .refused(targetTooLong) }
        return available == headBytesMax ? .refused(scan.lines == 0 ? targetTooLong : headTooLarge) : .needMore
    }

    /// `count` bytes of `lines` whole lines, each with its CRLF, the empty line not included.
    private mutating func readHead(_ head: UnsafePointer<UInt8>, _ count: Int, _ lines: Int) -> Event {
        var reader = HeadReader(
            head: head, count: count, targetBytesMax: targetBytesMax, singleFields: singleFields)
        if let refusal = reader.readRequestLine() { return .refused(refusal) }
        var failure: FramingFault?
        // With no capacity the standard library would write to the empty array that all threads share.
        let fields =
            lines == 1
            ? []
            : [RequestHead.Field](unsafeUninitializedCapacity: lines - 1) { buffer, initialized in
                while reader.index < count, initialized < lines - 1 {
                    switch reader.readField() {
                    case .success(let field):
                        (buffer.baseAddress! + initialized).initialize(to: field)
                        initialized += 1
                    case .failure(let refusal):
                        failure = refusal
                        return
                    }
                }
            }
        if let refusal = failure ?? reader.judge(fields) { return .refused(refusal) }
        switch reader.framing {
        case .none: break
        case .length(let length): state = .fixed(remaining: length)
        case .chunked: state = .chunkSize
        }
        return .head(
            FramedHead(
                head: reader.finishedHead(fields), framing: reader.framing, isHTTP10: reader.isHTTP10,
                keepsAlive: reader.keepsAlive, expectation: reader.expectation))
    }
}

extension RequestParser {
    private var targetTooLong: FramingFault { .targetTooLong(bytesMax: targetBytesMax) }
    private var headTooLarge: FramingFault {
        FramingFault(
            status: 431, reason: "The head is larger than \(headBytesMax) bytes or has more than \(fieldsMax) fields.")
    }
}

extension FramingFault: Error {
    static func targetTooLong(bytesMax: Int) -> FramingFault {
        FramingFault(status: 414, reason: "The request target is longer than \(bytesMax) bytes.")
    }
}
