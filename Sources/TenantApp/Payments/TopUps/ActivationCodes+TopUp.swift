import CallKit
import HTTPCore
import TenantRegistry

/// Top-ups by a payment (A6): begun by the reseller, confirmed by the payment service, asked for by whoever has the
/// order id.
extension ActivationCodes {
    /// As its product document has it.
    package var paymentCallbackPath: String? { basePath + "/topup/webhook" }

    static let topUps: [Route] = [
        Route(
            .post, "/topup", "Begin a payment that tops the balance up", access: .reseller(.codes),
            moves: .oneBook, idempotency: .accepted, routeClass: .topUp, takes: Schemas.topUp.schema,
            gives: .done(Schemas.begun)
        ) { call in
            let amount = try call.read(Schemas.topUp)
            let create = CreateTopUp(
                amount: amount, resellerID: call.resellerID, book: call.book, keyID: call.keyID,
                idempotencyKey: call.idempotencyKey?.text)
            return TopUpFlow(call: call, create: create) { payment, url in
                .json(Schemas.begun, Schemas.Begun(paymentURL: url, orderID: payment.orderID), in: call.currency)
            }.work
        },
        Route(
            .post, "/topup/webhook", "Take the payment service's report on a payment", access: .open,
            body: .whole(bytesMax: PaymentCallback.bodyBytesMax), openCalls: .signed,
            ignoresUnknownParameters: true,
            parameters: Schemas.callbackHead, takes: PaymentCallback.Content.body.schema, gives: .done(Schemas.ok),
            refuses: [401]
        ) { call in PaymentCallbacks.take(call, Schemas.ok) },
        Route(
            .get, "/topup/status/{orderId}", "Ask what became of a payment", access: .open,
            gives: .read(Schemas.payment)
        ) { call in
            let orderID = call.parameters[0]
            return .read { tenant in
                guard let payment = try tenant.payment(orderID: orderID) else { throw Refusal.notFound(.payment) }
                let balance = try tenant.balance(.balance(reseller: payment.resellerID), book: payment.book)
                let shown = Schemas.ShownPayment(
                    state: payment.state(at: tenant.now), amount: payment.amount, balance: balance)
                return .json(Schemas.payment, shown, in: tenant.currency)
            }
        },
    ]
}
