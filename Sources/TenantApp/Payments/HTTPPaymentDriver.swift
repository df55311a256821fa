package import CallKit
import HTTPCore
package import RateLimiter

/// A hosted-payment service: one authenticated POST makes the payment and gives its page (docs/payments.md).
///
/// The order id is the Idempotency-Key, so an attempt that is repeated makes no second payment.
package struct HTTPPaymentDriver: PaymentDriver {
    package struct Settings: Sendable {
        package let createURL: String
        package let apiKey: String
        package let callbackURL: String
        package let returnURL: String

        package init(createURL: String, apiKey: String, callbackURL: String, returnURL: String) {
            self.createURL = createURL
            self.apiKey = apiKey
            self.callbackURL = callbackURL
            self.returnURL = returnURL
        }
    }

    package static let referenceCharactersMax = 200

    private let settings: Settings
    private let outbound: any OutboundCalls
    /// Whose place the call takes.
    private let payer: Payer

    package init(_ settings: Settings, outbound: any OutboundCalls, payer: Payer) {
        self.payer = payer
        self.settings = settings
        self.outbound = outbound
    }

    package func create(
        _ order: PaymentOrder, then: @escaping @Sendable (Result<CreatedPayment, PaymentFailure>) -> Void
    ) {
        let body = JSONWriter.object { json in
            json.field("order_id", order.orderID)
            json.field("amount", order.amount)
            json.field("currency", order.currency)
            json.field("callback_url", settings.callbackURL)
            json.field("return_url", settings.returnURL)
        }
        let request = OutboundRequest(
            url: settings.createURL,
            headers: [
                ("Authorization", "Bearer \(settings.apiKey)"), ("Idempotency-Key", order.orderID),
                ("Content-Type", "application/json"), ("Accept", "application/json"),
                ("User-Agent", "Tollgate"),
            ],
            body: body)
        let allowsPlain = outbound.allowsPrivateAddresses
        let isTaken = outbound.post(request, by: payer) { result in
            then(result.mapError { PaymentFailure($0) }.flatMap { Self.read($0, allowsPlain: allowsPlain) })
        }
        if !isTaken { then(.failure(.busy)) }
    }

    private static func read(_ answer: OutboundResponse, allowsPlain: Bool) -> Result<CreatedPayment, PaymentFailure> {
        guard 200..<300 ~= answer.status else { return .failure(.refused(status: answer.status)) }
        guard let json = try? JSON.parse(sent: answer.body) else { return .failure(.unreadable("it is not JSON")) }
        var fields = FieldReader(json)
        let reference = fields.string("id", characters: 1...referenceCharactersMax)
        let url = fields.webAddress("payment_url", allowsPrivateAddresses: allowsPlain)
        guard let reference, let url, fields.errors.isEmpty else {
            let names = fields.errors.map { $0.pointer.isEmpty ? "the body" : $0.pointer }
            return .failure(.unreadable("\(names.joined(separator: ", ")) is not as it must be"))
        }
        return .success(CreatedPayment(reference: reference, url: url))
    }
}
