package import CallKit

extension Missing {
    /// Its id opens its page.
    package static let payment = Missing("payment", isGuessable: true)
    package static let paymentService = Missing("payment_service")
}

extension Unprocessable {
    static let paymentDiffers = Unprocessable(
        "payment_differs", "amount or currency is not what this payment is for; nothing was credited.")
}

extension Unavailable {
    /// The seed's text (A6).
    package static let paymentServiceNotConfigured = Unavailable(
        "payment_service_not_configured", "Payment service not configured", retryAfterSeconds: 3_600)
    static let paymentServiceUnavailable = Unavailable(
        "payment_service_unavailable", "The payment service began no payment; nothing was charged.",
        retryAfterSeconds: TopUpFlow.retryAfterSeconds)
}
