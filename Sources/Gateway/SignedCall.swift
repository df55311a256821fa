import CallKit
import Cryptography
import HTTPCore
import TenantApp
import TenantRegistry

/// The signature of a signed call (W5): `v1=` and the hexadecimal HMAC-SHA256, under a secret on file, of
/// `{timestamp}.{METHOD}.{path and query as sent}.{Idempotency-Key, bare}.{raw body}`.
struct SignedCall {
    let head: RequestHead
    let body: [UInt8]

    static let skewSecondsMax: Int64 = 300

    func verify(_ tenant: TenantReader, _ caller: Caller?) throws {
        let claim = try SignatureClaim(head)
        guard abs(tenant.now.seconds - claim.seconds) <= Self.skewSecondsMax else {
            throw Refusal.badSignature("X-Tollgate-Timestamp is more than \(Self.skewSecondsMax) s away from now.")
        }
        for secret in try tenant.webhookSecrets(resellerID: caller?.projection.resellerID ?? 0)
        where HMACSHA256.code(key: secret, claim.signedHead, body) == claim.digest { return }
        throw Refusal.badSignature("The signature does not match.")
    }
}
