import CallKit
import Cryptography
package import TenantRegistry

/// A request as a client writes it, byte by byte. A value.
package struct TestRequest: Sendable {
    package var method: String
    package var target: String
    package var host = "gateway.example"
    package var fields: [(name: String, value: String)] = []
    /// Nil: the head announces none.
    package var body: [UInt8]?
    /// The body goes in chunks and its length is not announced.
    package var isChunked = false
    /// How much of the body is sent at once.
    package var pieceBytes = 64 << 10

    package init(_ method: String, _ target: String, _ json: String? = nil) {
        self.method = method
        self.target = target
        body = json.map { Array($0.utf8) }
    }

    package func with(_ name: String, _ value: String) -> TestRequest {
        var copy = self
        copy.fields.append((name, value))
        return copy
    }

    package func bearer(_ key: String) -> TestRequest { with("Authorization", "Bearer \(key)") }
    package func idempotent(_ key: String) -> TestRequest { with("Idempotency-Key", key) }
    /// From another client's address, as a trusted proxy tells it.
    package func from(_ address: String) -> TestRequest { with("X-Forwarded-For", address) }

    package func to(host: String) -> TestRequest {
        var copy = self
        copy.host = host
        return copy
    }

    package func carrying(_ body: [UInt8]) -> TestRequest {
        var copy = self
        copy.body = body
        return copy
    }

    package func inChunks(of bytes: Int) -> TestRequest {
        var copy = self
        copy.isChunked = true
        copy.pieceBytes = bytes
        return copy
    }

    /// Signed as W5 says, under a `whsec_` text; whatever is signed has been set before.
    package func signed(with secret: String, at time: Timestamp) -> TestRequest {
        signed(with: secret, timestamp: String(time.seconds))
    }

    package func signed(with secret: String, timestamp: String) -> TestRequest {
        let key = fields.first { $0.name == "Idempotency-Key" }?.value ?? ""
        let bare = key.hasPrefix("\"") ? String(key.dropFirst().dropLast()) : key
        let message = Array("\(timestamp).\(method).\(target).\(bare).".utf8) + (body ?? [])
        let code = HMACSHA256.code(key: WebhookSecret.decode(secret) ?? [], message)
        return with("X-Tollgate-Timestamp", timestamp)
            .with("X-Tollgate-Signature", "v1=\(Hex.encode(code.bytes))")
    }

    // MARK: On the wire

    var hasBody: Bool { isChunked || body?.isEmpty == false }

    func headBytes(expectingContinue: Bool = false) -> [UInt8] {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
        for field in fields { head += "\(field.name): \(field.value)\r\n" }
        if isChunked {
            head += "Transfer-Encoding: chunked\r\n"
        } else if let body {
            head += "Content-Length: \(body.count)\r\n"
        }
        if expectingContinue { head += "Expect: 100-continue\r\n" }
        return Array((head + "\r\n").utf8)
    }

    var bodyBytes: [UInt8] {
        guard isChunked else { return body ?? [] }
        var bytes: [UInt8] = []
        var rest = (body ?? [])[...]
        while !rest.isEmpty {
            let piece = rest.prefix(pieceBytes)
            bytes += Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
            rest = rest.dropFirst(pieceBytes)
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }

    /// Bytes of the body on the wire, as they are sent one after the other.
    func pieces(of bytes: [UInt8]) -> [[UInt8]] {
        stride(from: 0, to: bytes.count, by: pieceBytes).map { Array(bytes[$0..<min($0 + pieceBytes, bytes.count)]) }
    }
}
