/// One request's head, as the parser accepted it: the bytes as sent and the places of its parts.
///
/// Invariant: every range lies within `bytes`; names and values hold no CR, LF or NUL, the target only 0x21…0x7E
/// (HTTPServer's parser guarantees it, G6). A value: it may be read from any thread.
package struct RequestHead: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        package let name: Range<Int>
        package let value: Range<Int>

        package init(name: Range<Int>, value: Range<Int>) {
            self.name = name
            self.value = value
        }
    }

    package let method: Method
    /// The head from the request line to its last field, without the empty line.
    package let bytes: [UInt8]
    /// The request target in origin form: path and query as sent.
    package let targetRange: Range<Int>
    package let pathRange: Range<Int>
    /// Without the question mark; nil where there is none.
    package let queryRange: Range<Int>?
    package let fields: [Field]

    package init(
        method: Method, bytes: [UInt8], target: Range<Int>, path: Range<Int>, query: Range<Int>?, fields: [Field]
    ) {
        self.method = method
        self.bytes = bytes
        self.targetRange = target
        self.pathRange = path
        self.queryRange = query
        self.fields = fields
    }

    /// Path and query as sent: what a signature covers (W5).
    package var target: String { string(targetRange) }
    /// The target without so many bytes of the path before it.
    package func target(after bytes: Int) -> String { string(targetRange.lowerBound + bytes..<targetRange.upperBound) }
    /// The path as sent, percent-encoding untouched.
    package var path: String { string(pathRange) }
    /// The query as sent, without the question mark; empty where there is none.
    package var query: String { queryRange.map(string) ?? "" }

    /// The first field of this name, as a place in `bytes`; white space around it is already trimmed.
    package func range(of name: HeaderName) -> Range<Int>? {
        bytes.withUnsafeBufferPointer { bytes in
            for field in fields where field.name.count == name.count && name.matches(bytes, at: field.name.lowerBound) {
                return field.value
            }
            return nil
        }
    }

    /// The first field of this name as text; nil where it is absent. Bytes over 0x7F that are not UTF-8 are replaced,
    /// and so is the whole where it has more marks in a row than any text may.
    package func value(of name: HeaderName) -> String? { range(of: name).map(fieldText) }

    private func fieldText(_ range: Range<Int>) -> String {
        let text = string(range)
        return text.hasTooManyMarks ? "\u{FFFD}" : text
    }

    /// All fields of this name, in order, joined by commas (RFC 9110 §5.3); nil where there is none.
    package func joinedValues(of name: HeaderName) -> String? {
        let places = ranges(of: name)
        return places.isEmpty ? nil : places.map(fieldText).joined(separator: ",")
    }

    /// All fields of this name, in order, as places in `bytes`.
    package func ranges(of name: HeaderName) -> [Range<Int>] {
        bytes.withUnsafeBufferPointer { bytes in
            fields.filter { $0.name.count == name.count && name.matches(bytes, at: $0.name.lowerBound) }.map(\.value)
        }
    }

    /// The cookies of all fields, in order, each with the place of its value in `bytes`: a proxy may leave apart what
    /// HTTP/2 splits (RFC 9113 §8.2.3).
    package var cookies: [(name: ArraySlice<UInt8>, value: Range<Int>)] {
        ranges(of: .cookie).flatMap { bytes[$0].split(separator: UInt8(ascii: ";")) }.compactMap { pair in
            let text = pair.drop { $0 == UInt8(ascii: " ") }
            return text.firstIndex(of: UInt8(ascii: "=")).map { (text[..<$0], $0 + 1..<text.endIndex) }
        }
    }

    /// How many fields carry this name: repeated credentials are refused (0001).
    package func count(of name: HeaderName) -> Int {
        bytes.withUnsafeBufferPointer { bytes in
            fields.count { $0.name.count == name.count && name.matches(bytes, at: $0.name.lowerBound) }
        }
    }

    package func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}

extension RequestHead {
    private static let traceparentBytes = 55

    /// The caller's trace, `00-<trace>-<parent>-<flags>` (W3C Trace Context). Nil where there is none, more than one,
    /// or something that the grammar does not allow, which is not carried on. Of a later version what version 00 knows
    /// is carried on.
    package var traceparent: String? {
        guard let range = range(of: .traceparent), range.count >= Self.traceparentBytes else { return nil }
        let text = bytes[range.prefix(Self.traceparentBytes)]
        let start = range.lowerBound
        for (index, byte) in text.enumerated() {
            let isDash = index == 2 || index == 35 || index == 52
            let isDigit = byte >= 0x30 && byte <= 0x39 || byte >= 0x61 && byte <= 0x66
            guard isDash ? byte == 0x2D : isDigit else { return nil }
        }
        let version = string(start..<start + 2)
        let isZero = { (part: Range<Int>) in self.bytes[part].allSatisfy { $0 == 0x30 } }
        guard version != "ff", !isZero(start + 3..<start + 35), !isZero(start + 36..<start + 52),
            count(of: .traceparent) == 1
        else { return nil }
        if version == "00" { return range.count == Self.traceparentBytes ? string(range) : nil }
        guard range.count == Self.traceparentBytes || bytes[start + Self.traceparentBytes] == 0x2D else { return nil }
        let isSampled = hexadecimalDigit(bytes[start + 54]).map { $0 & 1 == 1 } ?? false
        return "00" + string(start + 2..<start + 53) + (isSampled ? "01" : "00")
    }
}

/// A field name in lower case, compared without regard to case.
package struct HeaderName: Sendable, ExpressibleByStringLiteral {
    package let lowercase: StaticString

    package init(stringLiteral lowercase: StaticString) { self.lowercase = lowercase }

    package var count: Int { lowercase.utf8CodeUnitCount }

    func matches(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        let name = lowercase.utf8Start
        for index in 0..<count {
            let byte = bytes[start + index]
            let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if folded != name[index] { return false }
        }
        return true
    }
}

extension HeaderName {
    package static let accept: HeaderName = "accept"
    package static let acceptEncoding: HeaderName = "accept-encoding"
    package static let authorization: HeaderName = "authorization"
    package static let connection: HeaderName = "connection"
    package static let cookie: HeaderName = "cookie"
    package static let contentEncoding: HeaderName = "content-encoding"
    package static let contentLength: HeaderName = "content-length"
    package static let contentType: HeaderName = "content-type"
    package static let expect: HeaderName = "expect"
    package static let forwardedFor: HeaderName = "x-forwarded-for"
    package static let forwardedProtocol: HeaderName = "x-forwarded-proto"
    package static let host: HeaderName = "host"
    package static let idempotencyKey: HeaderName = "idempotency-key"
    package static let traceparent: HeaderName = "traceparent"
    package static let transferEncoding: HeaderName = "transfer-encoding"
    package static let ifNoneMatch: HeaderName = "if-none-match"
    package static let ifMatch: HeaderName = "if-match"
    package static let origin: HeaderName = "origin"
    package static let secFetchSite: HeaderName = "sec-fetch-site"
    package static let passphrase: HeaderName = "tollgate-passphrase"
    package static let signature: HeaderName = "x-tollgate-signature"
    package static let timestamp: HeaderName = "x-tollgate-timestamp"
}
