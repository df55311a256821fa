/// Secrets that sign webhooks and orders: `whsec_` and base64 (Standard Webhooks 1.0.0, H1, W5).
package enum WebhookSecret {
    package static let prefix = "whsec_"
    package static let mintedBytes = 32
    package static let acceptedBytes = 24...64

    package static func mint(random: any RandomSource) -> String { prefix + Base64.encode(random.bytes(mintedBytes)) }

    /// The bytes that are the HMAC key; nil unless they are 24 to 64 in strict base64 behind the prefix.
    package static func decode(_ secret: String) -> [UInt8]? {
        guard secret.hasPrefix(prefix), let bytes = Base64.decode(String(secret.dropFirst(prefix.count))),
            acceptedBytes.contains(bytes.count)
        else { return nil }
        return bytes
    }
}
