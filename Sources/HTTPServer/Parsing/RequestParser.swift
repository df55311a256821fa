/// HTTP/1.1 and 1.0 requests out of a stream of bytes (RFC 9112), strictly: what two readers could read differently is
/// refused (G6, 0001). A pure state machine: bytes in, events out, no I/O and no clock.
///
/// The caller keeps the bytes from `cursor` on and offers them again, followed by more, after `.needMore`. Invariant:
/// the events do not depend on how the bytes were cut into pieces, but for the size of `.body` pieces; after `.refused`
/// every call returns the same refusal. Owned by its connection's loop.
package struct RequestParser: Sendable {
    package enum Event: Sendable, Equatable {
        case needMore
        case head(FramedHead)
        /// A piece of the body, as a place in the bytes that were offered.
        case body(Range<Int>)
        /// The body that the last head announced is complete. Not sent for a head without a body.
        case end
        case refused(FramingFault)
    }

    enum State {
        case head
        case fixed(remaining: Int)
        case chunkSize
        case chunkData(remaining: Int)
        case chunkDataEnd
        case trailer(bytesLeft: Int)
        case refused(FramingFault)
    }

    /// A chunk's size line with its extension and line end.
    static let chunkLineBytesMax = 256
    /// Hex digits of a chunk size: 4 GiB − 1.
    static let chunkSizeDigitsMax = 8
    /// All trailer lines of one body; they are checked and dropped.
    static let trailerBytesMax = 4096
    static let methodBytesMax = 32
    /// Decimal digits of Content-Length: any such number fits an Int.
    static let contentLengthDigitsMax = 18

    let headBytesMax: Int
    let targetBytesMax: Int
    let fieldsMax: Int
    let singleFields: SingleFields
    var state = State.head
    var scan = HeadScan()

    package init(limits: ServerLimits = ServerLimits()) {
        headBytesMax = limits.headBytesMax
        targetBytesMax = limits.targetBytesMax
        fieldsMax = limits.headFieldsMax
        singleFields = limits.singleFields
    }

    /// Whether the parser stands within a body.
    package var isInBody: Bool {
        if case .head = state { false } else { true }
    }

    /// The next event in `bytes[cursor...]`; `cursor` moves over what was used up.
    package mutating func next(_ bytes: UnsafeBufferPointer<UInt8>, _ cursor: inout Int) -> Event {
        let event = step(bytes, &cursor)
        if case .refused(let refusal) = event { state = .refused(refusal) }
        return event
    }

    private mutating func step(_ bytes: UnsafeBufferPointer<UInt8>, _ cursor: inout Int) -> Event {
        while true {
            let available = bytes.count - cursor
            switch state {
            case .head:
                return nextHead(bytes, &cursor)
            case .fixed(let remaining):
                if remaining == 0 { return endOfBody() }
                if available == 0 { return .needMore }
                let piece = cursor..<cursor + min(available, remaining)
                cursor = piece.upperBound
                state = .fixed(remaining: remaining - piece.count)
                return .body(piece)
            case .chunkSize:
                switch chunkLine(bytes, &cursor) {
                case .needMore: return .needMore
                case .refused(let reason): return .refused(.bad(reason))
                case .size(0): state = .trailer(bytesLeft: Self.trailerBytesMax)
                case .size(let size): state = .chunkData(remaining: size)
                }
            case .chunkData(let remaining):
                if available == 0 { return .needMore }
                let piece = cursor..<cursor + min(available, remaining)
                cursor = piece.upperBound
                state = remaining == piece.count ? .chunkDataEnd : .chunkData(remaining: remaining - piece.count)
                return .body(piece)
            case .chunkDataEnd:
                if available > 0, bytes[cursor] != ByteScan.carriageReturn {
                    return .refused(.bad("Chunk longer than its size."))
                }
                if available < 2 { return .needMore }
                if bytes[cursor + 1] != ByteScan.lineFeed { return .refused(.bad("Bare CR after a chunk.")) }
                cursor += 2
                state = .chunkSize
            case .trailer(let bytesLeft):
                switch trailerLine(bytes, &cursor, bytesLeft) {
                case .needMore: return .needMore
                case .refused(let reason): return .refused(.bad(reason))
                case .last: return endOfBody()
                case .field(let count): state = .trailer(bytesLeft: bytesLeft - count)
                }
            case .refused(let refusal):
                return .refused(refusal)
            }
        }
    }

    private mutating func endOfBody() -> Event {
        state = .head
        return .end
    }
}
