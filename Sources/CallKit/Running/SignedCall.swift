import Cryptography
package import HTTPCore
package import TenantRegistry

/// The signature of a signed call (W5): `v1=` and the hexadecimal HMAC-SHA256, under a secret on file, of
/// `{timestamp}.{METHOD}.{path and query as sent}.{Idempotency-Key, bare}.{raw body}`.
package struct SignedCall: Sendable {
    /// The secrets that verify a reseller's calls now, as bytes.
    package typealias Secrets = @Sendable (TenantReader, _ resellerID: Int64) throws -> [[UInt8]]

    package static let skewSecondsMax: Int64 = 300

    let head: RequestHead
    let body: [UInt8]
    let resellerID: Int64
    /// Whoever tries in the test book is told what should have been signed (W12).
    let book: Book
    let secrets: Secrets

    package init(
        head: RequestHead, body: [UInt8], resellerID: Int64, book: Book, secrets: @escaping Secrets
    ) {
        self.head = head
        self.body = body
        self.resellerID = resellerID
        self.book = book
        self.secrets = secrets
    }

    /// Throws `Refusal.badSignature` where no secret on file made it, there is none, or it is too old.
    package func verify(_ tenant: TenantReader) throws {
        let claim = try SignatureClaim(head)
        guard let digest = claim.digest else {
            throw refusal("X-Tollgate-Signature is missing or not v1=<64 hexadecimal digits>.", claim)
        }
        guard abs(tenant.now.seconds - claim.seconds) <= Self.skewSecondsMax else {
            throw refusal("X-Tollgate-Timestamp is more than \(Self.skewSecondsMax) s away from now.", claim)
        }
        for secret in try secrets(tenant, resellerID)
        where HMACSHA256.code(key: secret, claim.signedHead, body) == digest { return }
        throw refusal("The signature does not match.", claim)
    }

    private func refusal(_ detail: String, _ claim: SignatureClaim) -> Refusal {
        guard book == .test else { return .badSignature(detail) }
        return .badSignature(detail, signed: SignedText(head: claim.signedHead, body: body))
    }
}
