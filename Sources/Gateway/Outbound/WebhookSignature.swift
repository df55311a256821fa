import Cryptography
import TenantRegistry

/// What a webhook carries beside its body: Standard Webhooks 1.0.0 (H1, H2). Signed when it is sent, so that each attempt
/// has its own time, and every secret that is valid then.
enum WebhookSignature {
    static func headers(
        id: String, at: Timestamp, secrets: [[UInt8]], body: [UInt8]
    ) -> [(name: String, value: String)] {
        let head = Array("\(id).\(at.seconds).".utf8)
        let signatures = secrets.map { "v1,\(Base64.encode(HMACSHA256.code(key: $0, head, body).bytes))" }
        return [
            ("Content-Type", "application/json"), ("webhook-id", id), ("webhook-timestamp", "\(at.seconds)"),
            ("webhook-signature", signatures.joined(separator: " ")),
        ]
    }
}
