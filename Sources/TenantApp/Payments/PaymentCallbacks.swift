package import CallKit
import HTTPCore
import TenantRegistry

/// Where a payment service reports what became of a payment, in tenants whose dialects have no address of their own for
/// it (A6, W6). Each tenant has it.
package struct PaymentCallbacks: OpenDialect {
    /// Below the tenant's base URL.
    package static let path = "/api/payments/callback"

    package let name = "payment_callbacks"
    package let basePath = "/api/payments"

    package init() {}

    package let routes: [Route] = [
        Route(
            .post, "/callback", "Take the payment service's report on a payment", access: .open,
            body: .whole(bytesMax: PaymentCallback.bodyBytesMax), openCalls: .signed,
            ignoresUnknownParameters: true, takes: PaymentCallback.Content.body.schema, gives: .done(taken),
            refuses: [401]
        ) { call in take(call, taken) }
    ]

    private static let taken = Shape<Void>([.ok])

    /// The one way in which a report comes in, whatever its address.
    static func take(_ call: Call, _ shape: Shape<Void>) -> Work {
        let callback = PaymentCallback(head: call.head, body: call.body)
        return .write { tenant, detail in
            try callback.verify(secrets: tenant.paymentCallbackSecrets(), now: tenant.now)
            let content = try callback.content()
            guard let payment = try tenant.payment(orderID: content.orderID), payment.driver == .http else {
                throw Refusal.notFound(.payment)
            }
            let outcome = try ConfirmTopUp(
                paymentID: payment.id, report: content.report, amount: content.amount, currency: content.currency
            ).run(tenant, &detail)
            // What was kept for the operator stays.
            if outcome == .refused { return .keeping(.unprocessable(.paymentDiffers)) }
            return .json(shape, (), in: tenant.currency)
        }
    }
}

extension TenantReader {
    /// Where its payment service reports to, where the operator says nothing else: the address that one of its dialects
    /// has for it, or the one that every tenant has.
    func paymentCallbackPath() throws -> String {
        let names = try dialectNames()
        let own = Dialects.all.filter { names.contains($0.name) }.compactMap { $0.paymentCallbackPath }
        return own.first ?? PaymentCallbacks.path
    }
}
