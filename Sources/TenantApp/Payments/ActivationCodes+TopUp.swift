import CallKit
import HTTPCore
import TenantRegistry

/// Top-ups by a payment (A6): begun by the reseller, confirmed by the payment service, asked for by whoever has the
/// order id.
extension ActivationCodes {
    /// Where the payment service calls, below the tenant's base URL.
    package static let callbackPath = "/api/reseller/topup/webhook"

    static let topUps: [Route] = [
        Route(
            .post, "/topup", "Begin a payment that tops the balance up", access: .reseller(.codes),
            idempotency: .accepted, routeClass: .topUp, takes: Schemas.topUp, gives: .done(Schemas.begun)
        ) { call in
            var fields = try call.fields()
            let amount = fields.moneyNumber(
                "amount", in: PaymentTerms.amounts, fractionDigitsMax: call.currency.minorUnitDigits)
            try fields.finish()
            guard let amount else { throw Refusal.defect }
            let create = CreateTopUp(
                amount: amount, resellerID: call.resellerID, book: call.book, keyID: call.keyID,
                idempotencyKey: call.idempotencyKey?.text)
            return TopUpFlow(call: call, create: create) { orderID, url in
                .json { json in
                    json.field("ok", true)
                    json.field("paymentUrl", url)
                    json.field("orderId", orderID)
                }
            }.work
        },
        Route(
            .post, "/topup/webhook", "Take the payment service's report on a payment", access: .open,
            body: .whole(bytesMax: PaymentCallback.bodyBytesMax), parameters: Schemas.callbackHead,
            takes: Schemas.callback, gives: .done(Schemas.ok), refuses: [401]
        ) { call in
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
                return .json { $0.field("ok", true) }
            }
        },
        Route(
            .get, "/topup/status/{orderId}", "Ask what became of a payment", access: .open,
            gives: .read(Schemas.payment)
        ) { call in
            let orderID = call.parameters[0]
            return .read { tenant in
                guard let payment = try tenant.payment(orderID: orderID) else { throw Refusal.notFound(.payment) }
                let balance = try tenant.balance(.balance(reseller: payment.resellerID), book: payment.book)
                return .json { json in
                    json.field("status", payment.state(at: tenant.now).rawValue)
                    json.field("amount", raw: tenant.decimal(payment.amount))
                    json.field("balance", raw: tenant.decimal(balance))
                }
            }
        },
    ]
}
