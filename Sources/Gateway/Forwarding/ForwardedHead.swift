import HTTPCore

/// A request's head as the next node gets it: method, target and fields byte for byte, without what is about this
/// connection alone (RFC 9110 §7.6.1) or was for this node. Fields that `Connection` names besides are passed on: the
/// call is judged as this node would, which does not leave them out either, and nobody takes an Idempotency-Key away.
enum ForwardedHead {
    /// `isPieces`: the body goes once the node asks for it.
    enum Length {
        case none
        case whole(Int)
        case pieces(length: Int?)
    }

    /// Not passed on: of the connection, framed anew, or said by this node in the hop's own words.
    private static let dropped: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        "content-length", "expect", "x-forwarded-for", "x-forwarded-proto", "tollgate-hop",
    ]

    static func render(_ head: RequestHead, hop: String, _ length: Length) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(head.bytes.count + hop.utf8.count + 128)
        bytes.append(contentsOf: head.method.rawValue.utf8)
        bytes.append(0x20)
        bytes.append(contentsOf: head.bytes[head.targetRange])
        bytes.append(" HTTP/1.1\r\n")
        for field in head.fields {
            let name = head.string(field.name).lowercased()
            if dropped.contains(name) { continue }
            add(head.bytes[field.name], head.bytes[field.value], to: &bytes)
        }
        // A client of HTTP/1.0 may name none.
        if head.range(of: .host) == nil { bytes.append("Host: localhost\r\n") }
        switch length {
        case .none: break
        case .whole(let count): add("Content-Length".utf8, "\(count)".utf8, to: &bytes)
        case .pieces(let count):
            if let count {
                add("Content-Length".utf8, "\(count)".utf8, to: &bytes)
            } else {
                bytes.append("Transfer-Encoding: chunked\r\n")
            }
            bytes.append("Expect: 100-continue\r\n")
        }
        add("Tollgate-Hop".utf8, hop.utf8, to: &bytes)
        bytes.append("\r\n")
        return bytes
    }

    private static func add(_ name: some Sequence<UInt8>, _ value: some Sequence<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: name)
        bytes.append(": ")
        bytes.append(contentsOf: value)
        bytes.append("\r\n")
    }
}
