import HTTPServer

/// The parser's events for some bytes, offered in pieces of a size; adjoining body pieces are joined, since only their
/// cutting may depend on how the bytes came.
enum Parsed: Equatable {
    case head(FramedHead)
    case body([UInt8])
    case end
    case refused(Int)
    /// The bytes ended within a request.
    case unfinished
}

extension ServerLimits {
    /// As a gateway sets them whose APIs have credentials in these fields.
    static let guarded: ServerLimits = {
        var limits = ServerLimits()
        limits.singleFields = SingleFields(["Authorization", "X-API-Key", "x-seed-hash"])
        return limits
    }()
}

func parse(_ text: String, pieces: Int = .max, limits: ServerLimits = .guarded) -> [Parsed] {
    parse(Array(text.utf8), pieces: pieces, limits: limits)
}

func parse(_ bytes: [UInt8], pieces: Int = .max, limits: ServerLimits = .guarded) -> [Parsed] {
    var parser = RequestParser(limits: limits)
    var pending: [UInt8] = []
    var offered = 0
    var events: [Parsed] = []
    while offered < bytes.count {
        let piece = bytes[offered..<min(bytes.count, offered + min(pieces, bytes.count))]
        offered = piece.endIndex
        pending += piece
        var cursor = 0
        let isRefused = pending.withUnsafeBufferPointer { buffer in
            while true {
                switch parser.next(buffer, &cursor) {
                case .needMore: return false
                case .head(let head): events.append(.head(head))
                case .end: events.append(.end)
                case .refused(let refusal):
                    events.append(.refused(refusal.status))
                    return true
                case .body(let range):
                    if case .body(let before) = events.last {
                        events[events.count - 1] = .body(before + buffer[range])
                    } else {
                        events.append(.body(Array(buffer[range])))
                    }
                }
            }
        }
        if isRefused { return events }
        pending.removeFirst(cursor)
    }
    if !pending.isEmpty || parser.isInBody { events.append(.unfinished) }
    return events
}

extension Parsed {
    var head: FramedHead? { if case .head(let head) = self { head } else { nil } }
}
