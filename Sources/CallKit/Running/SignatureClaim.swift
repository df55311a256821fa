package import Cryptography
package import HTTPCore

/// What the head of a signed call claims (W5), read and not yet believed. A value.
package struct SignatureClaim: Sendable {
    /// Unix seconds, never negative.
    package let seconds: Int64
    package let digest: Digest
    /// Everything that is signed before the body.
    package let signedHead: [UInt8]

    /// Throws `Refusal.badSignature` where one of the two fields is missing or malformed.
    package init(_ head: RequestHead) throws(Refusal) {
        guard let timestamp = head.value(of: .timestamp), let seconds = Int64(timestamp),
            timestamp.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { throw .badSignature("X-Tollgate-Timestamp is missing or not unix seconds.") }
        guard let signature = head.value(of: .signature), signature.hasPrefix("v1="),
            let digest = Digest(hex: String(signature.dropFirst(3)))
        else { throw .badSignature("X-Tollgate-Signature is missing or not v1=<64 hexadecimal digits>.") }
        let key = IdempotencyKey.of(head)?.text ?? ""
        self.seconds = seconds
        self.digest = digest
        signedHead = SignedText.head(
            timestamp: timestamp, method: head.method.rawValue, target: head.target, idempotencyKey: key)
    }
}
