package import Cryptography

/// What a signed call's signature is of (W5): `{timestamp}.{METHOD}.{path and query as sent}.{Idempotency-Key,
/// bare}.{raw body}`. Whoever signs and whoever verifies makes it here. A value.
package struct SignedText: Sendable, Equatable {
    /// As text, for people; cut where it is long.
    package let text: String
    /// Of all of it.
    package let digest: Digest

    private static let bytesShownMax = 4_096

    /// Everything that is signed before the body.
    package static func head(timestamp: String, method: String, target: String, idempotencyKey: String) -> [UInt8] {
        head(
            timestamp: Array(timestamp.utf8)[...], method: method, target: Array(target.utf8)[...],
            idempotencyKey: idempotencyKey)
    }

    static func head(
        timestamp: ArraySlice<UInt8>, method: String, target: ArraySlice<UInt8>, idempotencyKey: String
    ) -> [UInt8] {
        let end: UInt8 = 0x2E
        var signed: [UInt8] = []
        signed.reserveCapacity(timestamp.count + method.utf8.count + target.count + idempotencyKey.utf8.count + 4)
        signed.append(contentsOf: timestamp)
        signed.append(end)
        signed.append(contentsOf: method.utf8)
        signed.append(end)
        signed.append(contentsOf: target)
        signed.append(end)
        signed.append(contentsOf: idempotencyKey.utf8)
        signed.append(end)
        return signed
    }

    /// `v1=…`, as the head of a call has it.
    package static func signature(key: [UInt8], head: [UInt8], body: [UInt8]) -> String {
        "v1=" + HMACSHA256.code(key: key, head, body).hex
    }

    init(head: [UInt8], body: [UInt8]) {
        let whole = head + body
        digest = SHA256.hash(whole)
        let shown = String(decoding: whole.prefix(Self.bytesShownMax), as: UTF8.self)
        text = whole.count > Self.bytesShownMax ? shown + "…" : shown
    }
}
