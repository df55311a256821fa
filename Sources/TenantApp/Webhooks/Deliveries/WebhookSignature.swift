package import CallKit
import Cryptography
package import HTTPCore
package import TenantRegistry

/// Standard Webhooks 1.0.0 (H1, H2): HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`, for what goes out and
/// what comes in. A value's worth of rules: any thread.
package enum WebhookSignature {
    package static let skewSecondsMax: Int64 = 300
    /// Signatures of one message: a sender that changes its secret sends two.
    private static let signaturesMax = 8
    package static let idCharactersMax = 255
    /// What of a head a message is judged by: a head has each once (G6).
    package static let fields = ["webhook-id", "webhook-timestamp", "webhook-signature"]

    // MARK: Out

    /// What a message carries beside its body. Signed when it is sent, so that each attempt has its own time, and every
    /// secret that is valid then.
    package static func headers(
        id: String, at: Timestamp, secrets: [[UInt8]], body: [UInt8]
    ) -> [(name: String, value: String)] {
        let head = Array("\(id).\(at.seconds).".utf8)
        let signatures = secrets.map { "v1,\(Base64.encode(HMACSHA256.code(key: $0, head, body).bytes))" }
        return [
            ("Content-Type", "application/json"), ("webhook-id", id), ("webhook-timestamp", "\(at.seconds)"),
            ("webhook-signature", signatures.joined(separator: " ")),
        ]
    }

    /// Which of the secrets has made one of these signatures; nil: none.
    package static func signer(
        of signatures: String, id: String, timestamp: String, secrets: [[UInt8]], body: [UInt8]
    ) -> Int? {
        let claimed = signatures.split(separator: " ").prefix(signaturesMax)
            .compactMap { $0.hasPrefix("v1,") ? Base64.decode(String($0.dropFirst(3))) : nil }
        let head = Array("\(id).\(timestamp).".utf8)
        return secrets.firstIndex { secret in
            let code = HMACSHA256.code(key: secret, head, body).bytes
            return claimed.contains { constantTimeEqual($0, code) }
        }
    }

    // MARK: In

    /// Throws unless one of the secrets has signed this message just now. Returns its id.
    @discardableResult
    package static func verify(
        _ head: RequestHead, _ body: [UInt8], secrets: [[UInt8]], now: Timestamp
    ) throws(Refusal) -> String {
        guard let id = head.value(of: .webhookID), !id.isEmpty, id.utf8.count <= idCharactersMax else {
            throw .badSignature("webhook-id is missing or too long")
        }
        guard let timestamp = head.value(of: .webhookTimestamp), let seconds = Int64(timestamp),
            timestamp.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { throw .badSignature("webhook-timestamp is missing or not unix seconds") }
        guard (now.seconds - skewSecondsMax...now.seconds + skewSecondsMax).contains(seconds) else {
            throw .badSignature("webhook-timestamp is more than \(skewSecondsMax) s away from now")
        }
        let signatures = head.value(of: .webhookSignature) ?? ""
        guard signer(of: signatures, id: id, timestamp: timestamp, secrets: secrets, body: body) != nil else {
            throw .badSignature("webhook-signature does not match")
        }
        return id
    }
}

extension HeaderName {
    package static let webhookID: HeaderName = "webhook-id"
    package static let webhookTimestamp: HeaderName = "webhook-timestamp"
    package static let webhookSignature: HeaderName = "webhook-signature"
}
