import CallKit
import Cryptography
import HTTPCore
import HTTPServer
import TenantApp

/// The input stands as the fields of a head. A claim that is read is exactly what was sent; a key bare and quoted is
/// one.
enum SignatureProperties {
    static func check(_ input: [UInt8]) throws(Violation) {
        let start = Array("POST /t/a/api/partner/v1/orders?x=1 HTTP/1.1\r\nHost: a\r\n".utf8)
        let bytes = start + input + Array("\r\n\r\n".utf8)
        var parser = RequestParser()
        var cursor = 0
        let event = bytes.withUnsafeBufferPointer { parser.next($0, &cursor) }
        guard case .head(let framed) = event else { return }
        let head = framed.head
        for name: HeaderName in [.signature, .timestamp, .idempotencyKey] {
            try demand(head.count(of: name) <= 1, "a repeated field that is signed")
        }
        if let header = head.value(of: .idempotencyKey) { try judge(header) }
        guard let claim = try? SignatureClaim(head) else { return }
        try demand(claim.seconds >= 0, "a time before 1970")
        if let digest = claim.digest {
            let signature = head.value(of: .signature) ?? ""
            try demand("v1=" + digest.hex == signature.lowercased(), "another digest than was sent")
        }
        let signed = String(decoding: claim.signedHead, as: UTF8.self)
        try demand(
            signed.hasPrefix("\(head.value(of: .timestamp) ?? "").POST.\(head.target)."), "signed over another head")
    }

    private static func judge(_ header: String) throws(Violation) {
        guard let key = IdempotencyKey(header)?.text else { return }
        try demand(key.utf8.count <= 255 && !key.utf8.contains { $0 <= 0x20 || $0 >= 0x7F }, "a key that must not be")
        try demand(IdempotencyKey("\"\(key)\"")?.text == key, "a key quoted is another than the same key bare")
        try demand(IdempotencyKey(key)?.text == key, "a key without quotes lost something")
    }
}
