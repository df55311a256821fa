import CallKit
import HTTPCore
import TenantRegistry

/// Top-ups by a payment (W6), as activation codes have them (A6).
extension ProxyPorts {
    static let topUps: [Route] = [
        Route(
            .post, "/reseller/topup", "Begin a payment that tops your balance up", access: .resellerWithAny(.writes),
            moves: .oneBook, idempotency: .accepted, routeClass: .topUp, takes: ActivationCodes.Schemas.topUp.schema,
            gives: .made(PaymentBodies.begunOfPorts)
        ) { call in
            let create = CreateTopUp(
                amount: try call.read(ActivationCodes.Schemas.topUp), resellerID: call.resellerID, book: call.book,
                keyID: call.keyID, idempotencyKey: call.idempotencyKey?.text)
            return TopUpFlow(call: call, create: create) { payment, url in
                .json(
                    201, PaymentBodies.begunOfPorts, PaymentBodies.Begun(payment: payment, url: url),
                    in: call.currency)
            }.work
        },
        Route(
            .get, "/reseller/topup/{id}", "Read what became of a payment", access: .reseller([]),
            gives: .read(PaymentBodies.shownOfPorts)
        ) { call in
            .read { tenant in
                let shown = try tenant.ownPayment(call.parameters[0], resellerID: call.resellerID, book: call.book)
                return .json(PaymentBodies.shownOfPorts, shown, in: tenant.currency)
            }
        },
    ]
}
