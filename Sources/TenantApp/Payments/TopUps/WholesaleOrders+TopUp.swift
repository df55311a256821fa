import CallKit
import HTTPCore
import TenantRegistry

/// Top-ups by a payment (W6), as activation codes have them (A6).
extension WholesaleOrders {
    static let topUps: [Route] = [
        Route(
            .post, "/topup", "Begin a payment that tops the balance up", access: .reseller(.partnerOrder),
            moves: .oneBook, idempotency: .accepted, routeClass: .topUp, takes: PaymentBodies.topUp.schema,
            gives: .made(PaymentBodies.begun)
        ) { call in
            let create = CreateTopUp(
                amount: try call.read(PaymentBodies.topUp), resellerID: call.resellerID, book: call.book,
                keyID: call.keyID, idempotencyKey: call.idempotencyKey?.text)
            return TopUpFlow(call: call, create: create) { payment, url in
                .json(201, PaymentBodies.begun, PaymentBodies.Begun(payment: payment, url: url), in: call.currency)
            }.work
        },
        Route(
            .get, "/topup/{id}", "Read what became of a payment", access: .reseller(.partnerRead),
            gives: .read(PaymentBodies.shown)
        ) { call in
            .read { tenant in
                let shown = try tenant.ownPayment(call.parameters[0], resellerID: call.resellerID, book: call.book)
                return .json(PaymentBodies.shown, shown, in: tenant.currency)
            }
        },
    ]
}
