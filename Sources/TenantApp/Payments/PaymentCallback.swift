package import CallKit
import Cryptography
package import HTTPCore
package import TenantRegistry

/// A callback of the payment service, signed by Standard Webhooks 1.0.0: HMAC-SHA256 over
/// `{webhook-id}.{webhook-timestamp}. {body}` under the secret on file.
package struct PaymentCallback: Sendable {
    package let head: RequestHead
    package let body: [UInt8]

    package static let bodyBytesMax = 16 << 10
    package static let skewSecondsMax: Int64 = 300
    /// Signatures of one callback: a service that changes its secret sends two.
    private static let signaturesMax = 8
    private static let idCharactersMax = 255

    package init(head: RequestHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }

    /// Throws unless one of the secrets has signed it just now.
    package func verify(secrets: [[UInt8]], now: Timestamp) throws(Refusal) {
        guard let id = head.value(of: .webhookID), !id.isEmpty, id.utf8.count <= Self.idCharactersMax else {
            throw .badSignature("webhook-id is missing or too long")
        }
        guard let timestamp = head.value(of: .webhookTimestamp), let seconds = Int64(timestamp),
            timestamp.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { throw .badSignature("webhook-timestamp is missing or not unix seconds") }
        guard abs(now.seconds - seconds) <= Self.skewSecondsMax else {
            throw .badSignature("webhook-timestamp is more than \(Self.skewSecondsMax) s away from now")
        }
        let claimed = (head.value(of: .webhookSignature) ?? "").split(separator: " ").prefix(Self.signaturesMax)
            .compactMap { $0.hasPrefix("v1,") ? Base64.decode(String($0.dropFirst(3))) : nil }
        let signed = Array("\(id).\(timestamp).".utf8)
        for secret in secrets {
            let code = HMACSHA256.code(key: secret, signed, body).bytes
            for signature in claimed where constantTimeEqual(signature, code) { return }
        }
        throw .badSignature("webhook-signature does not match")
    }

    /// What it says; call `verify` first.
    package struct Content: Sendable {
        package let orderID: String
        package let report: PaymentReport
        /// As sent: whatever is not the payment's own does not fit it.
        package let amount: String
        package let currency: String

        /// Text or number, of some length: what does not fit the payment is judged against it.
        private static let amount = BodyField<String>(
            "amount", .either(.text(JSON.numberCharactersMax), .number)
        ) { fields, name, _ in fields.numberText(name) }.unless(
            { !(1...JSON.numberCharactersMax).contains($0.utf8.count) }, "format", "must be a decimal number")

        package static let body = Body(
            Field.id("order_id", 200), Field.choice("status", PaymentReport.self), amount,
            Field.text("currency", 1...16)
        ).map { orderID, report, amount, currency in
            Content(orderID: orderID, report: report, amount: amount, currency: currency)
        }
    }

    package func content() throws(Refusal) -> Content {
        let json: JSON
        do {
            json = try JSON.parse(body)
        } catch {
            throw .unparseable("The body is not valid JSON: \(error).")
        }
        var fields = FieldReader(json)
        return try fields.read(Content.body, .none)
    }
}

extension HeaderName {
    package static let webhookID: HeaderName = "webhook-id"
    package static let webhookTimestamp: HeaderName = "webhook-timestamp"
    package static let webhookSignature: HeaderName = "webhook-signature"
}
