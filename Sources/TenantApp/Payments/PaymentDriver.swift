import CallKit
package import TenantRegistry

/// Who takes the money of a top-up: makes the page on which it is paid. What becomes of it comes later, as a
/// `PaymentReport`.
///
/// A driver may be asked twice for the same order and must then give the same payment. Any thread; answers from any
/// thread.
package protocol PaymentDriver: Sendable {
    func create(
        _ order: PaymentOrder, then: @escaping @Sendable (Result<CreatedPayment, PaymentFailure>) -> Void)
}

/// What a driver is told of a top-up.
package struct PaymentOrder: Sendable {
    package let orderID: String
    package let publicID: String
    package let tenant: TenantID
    /// In the currency's minor unit at least: `50.00`.
    package let amount: String
    package let currency: String

    package init(orderID: String, publicID: String, tenant: TenantID, amount: String, currency: String) {
        self.orderID = orderID
        self.publicID = publicID
        self.tenant = tenant
        self.amount = amount
        self.currency = currency
    }
}

package struct CreatedPayment: Sendable, Equatable {
    /// The service's own id of it.
    package let reference: String
    package let url: String

    package init(reference: String, url: String) {
        self.reference = reference
        self.url = url
    }
}

/// Why there is no page. Texts are for the operator; none holds a key, a header or a body.
package enum PaymentFailure: Error, Sendable, Equatable {
    /// Nobody answered in time, the address is none that may be called, or the connection broke off, in every attempt.
    case unanswered(String)
    /// The service answered with this status.
    case refused(status: Int)
    /// The answer is not what a create call is answered with.
    case unreadable(String)
    /// Too many calls of this tenant are under way.
    case busy

    init(_ failure: OutboundFailure) {
        switch failure {
        case .unanswered(let reason), .timedOut(let reason), .untrusted(let reason): self = .unanswered(reason)
        case .tooLong: self = .unreadable("it is too long")
        }
    }

    /// For the node's own log. Why nobody answered describes the network that the node stands in, and is told nowhere
    /// else: whether a name is known, what it stands for, whether that may be called.
    package var logText: String {
        if case .unanswered(let reason) = self { "\(text): \(reason)" } else { text }
    }

    /// For the operator.
    package var text: String {
        switch self {
        case .unanswered: "the payment service did not answer"
        case .refused(let status): "the payment service answered with status \(status)"
        case .unreadable(let reason): "the payment service's answer cannot be used: \(reason)"
        case .busy: "too many payments were being begun at once"
        }
    }
}

/// A page of the gateway's own, where a button stands for the money: for test keys and demonstrations.
package struct SandboxPaymentDriver: PaymentDriver {
    package static let basePath = "/sandbox-pay"
    /// The tenant's base URL, as its reseller reaches it.
    package let baseURL: String

    package init(baseURL: String) { self.baseURL = baseURL }

    package func create(
        _ order: PaymentOrder, then: @escaping @Sendable (Result<CreatedPayment, PaymentFailure>) -> Void
    ) {
        then(
            .success(
                CreatedPayment(reference: order.publicID, url: "\(baseURL)\(Self.basePath)/\(order.orderID)")))
    }
}
