/// An order whose signature is known (W12): whoever writes a client sees whether it signs alike. The page for
/// developers shows it, and a test holds it against `SignedText`.
package enum SignatureVector {
    package static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    package static let timestamp = "1614265330"
    package static let method = "POST"
    package static let path = "/t/acme/api/partner/v1/orders"
    package static let idempotencyKey = "order-1001"
    package static let body = #"{"product":"vps-1","term":"monthly","quantity":1,"customer":{"external_id":"c-1"}}"#
    package static let signature = "v1=a12a8d6deaddc0d03708442125a8775cf3b35a54cbfda56becae62d03a4b2eaa"
}
