/// An answer as a value. The server adds `Date`, `Content-Length` or `Transfer-Encoding`, and `Connection`.
package struct Response: Sendable {
    package var status: Int
    package var headers: ResponseHeaders
    package var body: ResponseBody
    /// Close the connection after this answer.
    package var closes = false

    package init(status: Int, headers: ResponseHeaders = ResponseHeaders(), body: ResponseBody = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer with a body of a media type, say `application/json`.
    package init(status: Int, contentType: StaticString, bytes: [UInt8]) {
        self.status = status
        self.headers = ResponseHeaders()
        self.headers.add("Content-Type", contentType)
        self.body = .bytes(bytes)
    }
}

extension Response {
    /// Of a body that is whole, before any coding; 0 for others.
    package var bodyBytes: Int { if case .bytes(let bytes) = body { bytes.count } else { 0 } }
}

package enum ResponseBody: Sendable {
    case none
    case bytes([UInt8])
    /// Pulled by the loop as the socket takes it. `length` in bytes where known, else chunked.
    case stream(any ResponseStream, length: Int?)
}

/// A body that is made piece by piece. The loop asks for the next piece when the socket has room for it, one at a time.
package protocol ResponseStream: AnyObject, Sendable {
    /// Calls `give` exactly once, from any thread, then or later; `.failed` closes the connection mid-body, so that the
    /// client sees that it was cut.
    func next(_ give: @escaping @Sendable (ResponsePiece) -> Void)
    /// The client has gone, or the answer was HEAD: release what is held. Called at most once, from the loop.
    func cancel()
}

package enum ResponsePiece: Sendable {
    case bytes([UInt8])
    case end
    case failed
}

/// Response fields, rendered as they are added: `Name: value\r\n`.
///
/// Invariant: no CR, LF or NUL inside a value; `add` replaces such bytes with a space.
package struct ResponseHeaders: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// Whole fields as they were received, each with its line end; no CR, LF or NUL may be inside a value.
    package init(rendered bytes: [UInt8]) { self.bytes = bytes }

    package mutating func add(_ name: StaticString, _ value: StaticString) {
        start(name)
        bytes.append(contentsOf: UnsafeBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
        finish()
    }

    package mutating func add(_ name: StaticString, _ value: String) {
        start(name)
        var value = value
        value.withUTF8 { text in
            if text.contains(where: Self.isControl) {
                bytes.append(contentsOf: text.map { Self.isControl($0) ? 0x20 : $0 })
            } else {
                bytes.append(contentsOf: text)
            }
        }
        finish()
    }

    package mutating func add(_ name: StaticString, _ value: Int) {
        start(name)
        bytes.append(decimal: value)
        finish()
    }

    /// A value written in place, without making a String; it must hold no control characters.
    package mutating func add(_ name: StaticString, _ write: (inout [UInt8]) -> Void) {
        start(name)
        write(&bytes)
        finish()
    }

    /// Whole fields as they are sent, each with its line end.
    package mutating func add(lines: StaticString) {
        if bytes.isEmpty { bytes.reserveCapacity(Self.bytesExpected) }
        bytes.append(lines)
    }

    /// Fields rendered before, say those that every answer of a key shares.
    package mutating func add(_ rendered: ResponseHeaders) { bytes.append(contentsOf: rendered.bytes) }

    private static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x09 || byte == 0x7F }

    /// What the fields of nearly every answer take.
    private static let bytesExpected = 512

    private mutating func start(_ name: StaticString) {
        if bytes.isEmpty { bytes.reserveCapacity(Self.bytesExpected) }
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(0x3A)
        bytes.append(0x20)
    }

    private mutating func finish() {
        bytes.append(0x0D)
        bytes.append(0x0A)
    }
}

extension [UInt8] {
    /// Appends the decimal digits of a number, with a minus sign where it is negative, without making a String.
    package mutating func append(decimal value: Int) {
        // 20 characters at most; written backwards from the end of three words.
        var room: (UInt64, UInt64, UInt64) = (0, 0, 0)
        Swift.withUnsafeMutableBytes(of: &room) { room in
            var rest = value.magnitude
            var place = room.count
            repeat {
                place -= 1
                room[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if value < 0 {
                place -= 1
                room[place] = 0x2D
            }
            append(contentsOf: UnsafeRawBufferPointer(rebasing: room[place...]))
        }
    }

    package mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
