import Cryptography
import HTTPCore
import TenantApp
import TenantRegistry

/// The signature of a signed call (CONTRACT W5): `v1=` and the hexadecimal HMAC-SHA256, under a secret on file, of
/// `{timestamp}.{METHOD}.{path and query as sent}.{Idempotency-Key, bare}.{raw body}`.
struct SignedCall {
    let head: RequestHead
    let body: [UInt8]

    static let skewSecondsMax: Int64 = 300

    func verify(_ tenant: TenantReader, _ caller: Caller?) throws {
        guard let timestamp = head.value(of: .timestamp), let seconds = Int64(timestamp),
            timestamp.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { throw Refusal.badSignature("X-Tollgate-Timestamp is missing or not unix seconds.") }
        guard abs(tenant.now.seconds - seconds) <= Self.skewSecondsMax else {
            throw Refusal.badSignature("X-Tollgate-Timestamp is more than \(Self.skewSecondsMax) s away from now.")
        }
        guard let signature = head.value(of: .signature), signature.hasPrefix("v1="),
            let claimed = Digest(hex: String(signature.dropFirst(3)))
        else { throw Refusal.badSignature("X-Tollgate-Signature is missing or not v1=<64 hexadecimal digits>.") }
        let key = head.value(of: .idempotencyKey).map { bareIdempotencyKey($0) } ?? ""
        var signed: [UInt8] = []
        signed.reserveCapacity(256)
        for part in [timestamp, head.method.rawValue, head.target, key] {
            signed.append(contentsOf: part.utf8)
            signed.append(0x2E)
        }
        for secret in try tenant.webhookSecrets(resellerID: caller?.projection.resellerID ?? 0)
        where HMACSHA256.code(key: secret, signed, body) == claimed { return }
        throw Refusal.badSignature("The signature does not match.")
    }
}
