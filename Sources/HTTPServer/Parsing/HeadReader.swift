import Glibc
import HTTPCore

/// Reads one complete head, from its request line to its last field, and collects what the fields say about framing.
///
/// Lives within one parser call; the bytes it points to outlive it. Every line is known to end in CRLF.
struct HeadReader {
    let head: UnsafePointer<UInt8>
    let count: Int
    let targetBytesMax: Int
    let singleFields: SingleFields
    var index = 0

    var method = Method.other
    var target = 0..<0
    var path = 0..<0
    var query: Range<Int>?
    /// Where a target in absolute form names the host (RFC 9112 §3.2.2); nil for one in origin form.
    private(set) var authority: Range<Int>?
    /// The value of `Host`.
    private(set) var host: Range<Int>?
    var isHTTP10 = false
    var expectation = ContinueExpectation.none
    var framing = BodyFraming.none

    private var seen: Seen = []
    /// Bits of the single fields that have come.
    private var seenSingles: UInt32 = 0
    private var announced: BodyFraming = .none
    private var saysClose = false
    private var saysKeepAlive = false

    private struct Seen: OptionSet {
        let rawValue: Int
        static let host = Seen(rawValue: 1)
        static let contentLength = Seen(rawValue: 2)
        static let transferEncoding = Seen(rawValue: 4)
        static let idempotencyKey = Seen(rawValue: 64)
        static let tollgate = Seen(rawValue: 128)
        static let tollgateTwice = Seen(rawValue: 256)
        static let expect = Seen(rawValue: 512)
    }

    init(head: UnsafePointer<UInt8>, count: Int, targetBytesMax: Int, singleFields: SingleFields) {
        self.head = head
        self.count = count
        self.targetBytesMax = targetBytesMax
        self.singleFields = singleFields
    }

    var keepsAlive: Bool { isHTTP10 ? saysKeepAlive && !saysClose : !saysClose }

    /// `method SP target SP version CRLF` (RFC 9112 §3), each separated by one space and nothing else.
    mutating func readRequestLine() -> FramingFault? {
        let end = lineEnd(from: 0)
        index = end + 2
        var at = 0
        while at < end, ByteScan.isToken(head[at]) { at += 1 }
        guard at > 0, at <= RequestParser.methodBytesMax, at < end, head[at] == ByteScan.space else {
            return .bad("Malformed method.")
        }
        method = Self.method(head, at)
        let start = at + 1
        at = start
        var question = -1
        var isClean = true
        while at < end, head[at] != ByteScan.space {
            let byte = head[at]
            if byte < 0x21 || byte > 0x7E || byte == 0x23 { isClean = false }
            if byte == 0x3F, question < 0 { question = at }
            at += 1
        }
        if let refusal = readVersion(at + 1, end) { return refusal }
        if at - start > targetBytesMax { return .targetTooLong(bytesMax: targetBytesMax) }
        guard isClean, at > start else { return .bad("Malformed request target.") }
        var origin = start
        if head[start] != 0x2F {
            guard let found = AbsoluteForm.authority(head, start..<at) else { return .bad("Malformed request target.") }
            authority = found
            origin = found.upperBound
        }
        target = origin..<at
        path = origin..<(question < 0 ? at : question)
        query = question < 0 ? nil : question + 1..<at
        return nil
    }

    private mutating func readVersion(_ start: Int, _ end: Int) -> FramingFault? {
        guard end - start == 8, head[start + 6] == 0x2E, ByteScan.isDigit(head[start + 5]),
            ByteScan.isDigit(head[start + 7]),
            memcmp(head + start, "HTTP/", 5) == 0
        else { return .bad("Malformed version.") }
        guard head[start + 5] == 0x31, head[start + 7] <= 0x31 else {
            return FramingFault(status: 505, reason: "HTTP/1.1 and HTTP/1.0 are spoken here.")
        }
        isHTTP10 = head[start + 7] == 0x30
        return nil
    }

    /// `name ":" OWS value OWS CRLF` (RFC 9112 §5).
    mutating func readField() -> Result<RequestHead.Field, FramingFault> {
        let start = index
        let end = lineEnd(from: start)
        index = end + 2
        var colon = start
        while colon < end, ByteScan.isToken(head[colon]) { colon += 1 }
        // Folded lines, empty names and white space before the colon all end here.
        guard colon > start, colon < end, head[colon] == 0x3A else { return .failure(.bad("Malformed field name.")) }
        var from = colon + 1
        var to = end
        while from < to, isBlank(head[from]) { from += 1 }
        while to > from, isBlank(head[to - 1]) { to -= 1 }
        guard ByteScan.isFieldText(head + from, to - from) else {
            return .failure(.bad("Control character in a field."))
        }
        if let refusal = note(head + start, colon - start, head + from, to - from) { return .failure(refusal) }
        return .success(RequestHead.Field(name: start..<colon, value: from..<to))
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == ByteScan.space || byte == ByteScan.tab }

    /// Every line of the head is known to end in CRLF, so there is always one more.
    private func lineEnd(from start: Int) -> Int {
        guard let found = memchr(head + start, Int32(ByteScan.lineFeed), count - start) else { return count }
        return UnsafeRawPointer(found) - UnsafeRawPointer(head) - 1
    }

    private static func method(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Method {
        switch count {
        case 3: memcmp(bytes, "GET", 3) == 0 ? .get : memcmp(bytes, "PUT", 3) == 0 ? .put : .other
        case 4: memcmp(bytes, "POST", 4) == 0 ? .post : memcmp(bytes, "HEAD", 4) == 0 ? .head : .other
        case 5:
            if memcmp(bytes, "PATCH", 5) == 0 {
                .patch
            } else if memcmp(bytes, "TRACE", 5) == 0 {
                .trace
            } else {
                memcmp(bytes, "QUERY", 5) == 0 ? .query : .other
            }
        case 6: memcmp(bytes, "DELETE", 6) == 0 ? .delete : .other
        case 7: memcmp(bytes, "OPTIONS", 7) == 0 ? .options : .other
        default: .other
        }
    }

    // MARK: - What fields mean to the engine

    private mutating func note(
        _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int
    ) -> FramingFault? {
        switch nameCount {
        case 4 where ByteScan.equals(name, 4, "host"):
            guard first(.host) else { return .bad("Repeated Host.") }
            guard HostValue.isValid(value, valueCount) else { return .bad("Malformed Host.") }
            host = value - head..<value - head + valueCount
        case 6 where ByteScan.equals(name, 6, "expect"):
            let isContinue = first(.expect) && ByteScan.equals(value, valueCount, "100-continue")
            expectation = isContinue ? .continue100 : .unknown
        case 10 where ByteScan.equals(name, 10, "connection"):
            if ByteScan.list(value, valueCount, names: "close") { saysClose = true }
            if ByteScan.list(value, valueCount, names: "keep-alive") { saysKeepAlive = true }
        case 14 where ByteScan.equals(name, 14, "content-length"):
            return noteContentLength(value, valueCount)
        case 15 where ByteScan.equals(name, 15, "idempotency-key"):
            if !first(.idempotencyKey) { return .bad("Repeated Idempotency-Key.") }
        case 17 where ByteScan.equals(name, 17, "transfer-encoding"):
            return noteTransferEncoding(value, valueCount)
        case 12... where ByteScan.hasPrefix(name, "x-tollgate-"):
            if !first(.tollgate) { seen.insert(.tollgateTwice) }
        default:
            if let single = singleFields.index(of: name, nameCount) {
                let bit: UInt32 = 1 << UInt32(single)
                if seenSingles & bit != 0 { return .bad("Repeated credentials.") }
                seenSingles |= bit
            }
        }
        return nil
    }

    private mutating func first(_ field: Seen) -> Bool { seen.insert(field).inserted }

    private mutating func noteContentLength(_ value: UnsafePointer<UInt8>, _ valueCount: Int) -> FramingFault? {
        guard first(.contentLength) else { return .bad("Repeated Content-Length.") }
        guard valueCount > 0 else { return .bad("Malformed Content-Length.") }
        for at in 0..<valueCount where !ByteScan.isDigit(value[at]) { return .bad("Malformed Content-Length.") }
        guard valueCount <= RequestParser.contentLengthDigitsMax else {
            return FramingFault(
                status: 413, reason: "Content-Length has more than \(RequestParser.contentLengthDigitsMax) digits.")
        }
        var length = 0
        for at in 0..<valueCount { length = length * 10 + Int(value[at] &- 0x30) }
        announced = length == 0 ? .none : .length(length)
        return nil
    }

    private mutating func noteTransferEncoding(_ value: UnsafePointer<UInt8>, _ valueCount: Int) -> FramingFault? {
        guard first(.transferEncoding) else { return .bad("Repeated Transfer-Encoding.") }
        if ByteScan.equals(value, valueCount, "chunked") {
            announced = .chunked
            return nil
        }
        return Self.isOtherCoding(value, valueCount)
            ? FramingFault(status: 501, reason: "Of transfer codings, chunked alone is read.")
            : .bad("Malformed Transfer-Encoding.")
    }

    /// RFC 9112 §6.1: one coding that is not chunked, or some with chunked as the last, which stands there once. A list
    /// that ends with another has no end that anybody knows.
    private static func isOtherCoding(_ value: UnsafePointer<UInt8>, _ valueCount: Int) -> Bool {
        var codings = 0
        var isChunked = false
        var at = 0
        repeat {
            var end = at
            while end < valueCount, value[end] != 0x2C { end += 1 }
            let next = end + 1
            while at < end, value[at] == 0x20 || value[at] == 0x09 { at += 1 }
            while end > at, value[end - 1] == 0x20 || value[end - 1] == 0x09 { end -= 1 }
            guard at < end, !isChunked else { return false }
            for place in at..<end where !ByteScan.isToken(value[place]) { return false }
            isChunked = ByteScan.equals(value + at, end - at, "chunked")
            codings += 1
            at = next
        } while at <= valueCount
        return codings == 1 || isChunked
    }

    /// What can only be said once all fields are known.
    mutating func judge(_ fields: [RequestHead.Field]) -> FramingFault? {
        if !seen.contains(.host), !isHTTP10 { return .bad("Missing Host.") }
        if let authority, let host, !AbsoluteForm.isSame(head, authority, host) {
            return .bad("The request target names another host than Host.")
        }
        if seen.contains(.transferEncoding) {
            if seen.contains(.contentLength) { return .bad("Content-Length with Transfer-Encoding.") }
            if isHTTP10 { return .bad("Transfer-Encoding in HTTP/1.0.") }
        }
        if seen.contains(.tollgateTwice), repeatsTollgateField(fields) { return .bad("Repeated credentials.") }
        // RFC 9110 §10.1.1: an expectation in HTTP/1.0 is ignored.
        if isHTTP10, expectation == .continue100 { expectation = .none }
        framing = announced
        return nil
    }

    private func repeatsTollgateField(_ fields: [RequestHead.Field]) -> Bool {
        let own = fields.filter { $0.name.count > 11 && ByteScan.hasPrefix(head + $0.name.lowerBound, "x-tollgate-") }
        for (at, field) in own.enumerated() {
            for other in own[..<at] where other.name.count == field.name.count {
                if strncasecmp(name(other), name(field), field.name.count) == 0 { return true }
            }
        }
        return false
    }

    private func name(_ field: RequestHead.Field) -> UnsafePointer<CChar> {
        UnsafeRawPointer(head + field.name.lowerBound).assumingMemoryBound(to: CChar.self)
    }
}
