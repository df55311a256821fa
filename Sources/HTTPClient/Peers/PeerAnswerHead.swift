import HTTPCore

/// An answer's head (RFC 9112 §4), read strictly: from another node of ours, anything unusual is a fault. A value.
struct PeerAnswerHead: Equatable {
    enum Framing: Equatable {
        case none
        case length(Int)
        case chunked
        /// To the end of the connection.
        case close
    }

    static let bytesMax = 64 * 1024

    let status: Int
    let fields: [(name: String, value: String)]
    let framing: Framing
    let keepsAlive: Bool

    /// Fields that are about the connection or the engine's own.
    private static let ownFields: Set<String> = [
        "connection", "keep-alive", "transfer-encoding", "content-length", "date", "proxy-connection", "upgrade",
        "trailer",
    ]

    /// `bytes`: up to the empty line, without it. Nil where it is no such head.
    init?(_ bytes: some Collection<UInt8>, isHead: Bool) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        guard let first = lines.first, first.utf8.count >= 12, first.hasPrefix("HTTP/1.1 "),
            let status = Int(first.dropFirst(9).prefix(3)), 100..<600 ~= status
        else { return nil }
        var fields: [(name: String, value: String)] = []
        var length: Int?
        var isChunked = false
        var keepsAlive = true
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { return nil }
            let name = line[..<colon]
            let value = String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
            guard !value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else { return nil }
            switch name.lowercased() {
            case "content-length":
                guard length == nil, let bytes = Int(value), bytes >= 0 else { return nil }
                length = bytes
            case "transfer-encoding":
                guard value.lowercased() == "chunked", !isChunked else { return nil }
                isChunked = true
            case "connection": if value.lowercased() == "close" { keepsAlive = false }
            default: break
            }
            if !Self.ownFields.contains(name.lowercased()) { fields.append((String(name), value)) }
        }
        guard !isChunked || length == nil else { return nil }
        self.status = status
        self.fields = fields
        // What an answer to HEAD announces is passed on.
        announcedLength = length
        let isBodiless = isHead || status < 200 || status == 204 || status == 304
        framing =
            isBodiless ? .none : isChunked ? .chunked : length.map { $0 == 0 ? .none : .length($0) } ?? .close
        self.keepsAlive = keepsAlive && framing != .close
    }

    let announcedLength: Int?

    static func == (left: PeerAnswerHead, right: PeerAnswerHead) -> Bool {
        left.status == right.status && left.framing == right.framing && left.keepsAlive == right.keepsAlive
            && left.fields.elementsEqual(right.fields) { $0 == $1 }
    }

    var isInformational: Bool { status < 200 }
}

/// Takes the framing off a body (RFC 9112 §6, §7). Pure; one thread.
struct PeerBodyReader {
    private enum State {
        case size([UInt8])
        case data(Int)
        /// Line end behind a chunk's data, so much of it left.
        case dataEnd(Int)
        /// Behind the last chunk: bytes of the line so far.
        case trailer(Int)
    }

    private static let lineBytesMax = 4 * 1024

    private var left: Int
    private var state: State?
    private let endsWithConnection: Bool
    private(set) var isComplete: Bool

    init(_ framing: PeerAnswerHead.Framing) {
        endsWithConnection = framing == .close
        isComplete = framing == .none
        state = framing == .chunked ? .size([]) : nil
        left = if case .length(let length) = framing { length } else { 0 }
    }

    /// Appends what the bytes hold of the body; returns how many were used. Nil where they make no sense.
    mutating func read(_ bytes: UnsafeRawBufferPointer, into body: inout [UInt8]) -> Int? {
        if isComplete { return 0 }
        if endsWithConnection {
            body.append(contentsOf: bytes)
            return bytes.count
        }
        guard state != nil else {
            let count = min(left, bytes.count)
            body.append(contentsOf: bytes[..<count])
            left -= count
            isComplete = left == 0
            return count
        }
        var at = 0
        while at < bytes.count, !isComplete {
            guard step(bytes, &at, &body) else { return nil }
        }
        return at
    }

    /// Whether the end of the connection is the end of the body.
    var mayEndHere: Bool { isComplete || endsWithConnection }

    private mutating func step(_ bytes: UnsafeRawBufferPointer, _ at: inout Int, _ body: inout [UInt8]) -> Bool {
        switch state {
        case .size(var line):
            let byte = bytes[at]
            at += 1
            guard byte == 0x0A else {
                line.append(byte)
                state = .size(line)
                return line.count <= Self.lineBytesMax
            }
            let digits = String(decoding: line.prefix { $0 != 0x3B && $0 != 0x0D }, as: UTF8.self)
            guard line.last == 0x0D, digits.utf8.count <= 15, let size = Int(digits, radix: 16), size >= 0 else {
                return false
            }
            state = size == 0 ? .trailer(0) : .data(size)
        case .data(let size):
            let count = min(size, bytes.count - at)
            body.append(contentsOf: bytes[at..<at + count])
            at += count
            state = size == count ? .dataEnd(2) : .data(size - count)
        case .dataEnd(let missing):
            guard bytes[at] == (missing == 2 ? 0x0D : 0x0A) else { return false }
            at += 1
            state = missing == 2 ? .dataEnd(1) : .size([])
        case .trailer(let count):
            let byte = bytes[at]
            at += 1
            if byte == 0x0A {
                if count <= 1 { isComplete = true }
                state = .trailer(0)
            } else {
                state = .trailer(count + 1)
                return count < Self.lineBytesMax
            }
        case nil: return false
        }
        return true
    }
}
