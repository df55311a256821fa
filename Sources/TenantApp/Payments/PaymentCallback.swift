package import CallKit
package import HTTPCore
package import TenantRegistry

/// A callback of the payment service, signed by Standard Webhooks 1.0.0: under the secret on file.
package struct PaymentCallback: Sendable {
    package let head: RequestHead
    package let body: [UInt8]

    package static let bodyBytesMax = 16 << 10

    package init(head: RequestHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }

    /// Throws unless one of the secrets has signed it just now.
    package func verify(secrets: [[UInt8]], now: Timestamp) throws(Refusal) {
        try WebhookSignature.verify(head, body, secrets: secrets, now: now)
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
            json = try JSON.parse(sent: body)
        } catch {
            throw .unparseable("The body is not valid JSON: \(error).")
        }
        var fields = FieldReader(json)
        return try fields.read(Content.body, .none)
    }
}
