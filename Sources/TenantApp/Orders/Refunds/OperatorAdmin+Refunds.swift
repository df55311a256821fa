import CallKit
import HTTPCore
import TenantRegistry

/// Paying something of an order back (O10).
extension OperatorAdmin {
    static let refunds: [Route] = [
        Route(
            .post, "/orders/{id}/refund", "Pay something of an order back to the reseller's balance",
            access: .administrator, moves: .oneBook, idempotency: .required, needsNoRoom: true,
            parameters: [.mode], takes: Schemas.refundRequest.schema, gives: .done(Schemas.refunded), refuses: [409]
        ) { call in
            let refund = RefundOrder(
                orderID: call.parameters[0], request: try call.read(Schemas.refundRequest), accountID: call.accountID,
                keyID: call.keyID, callerBook: try call.query().mode(or: call.book))
            return .write { tenant, detail in
                let result = try refund.run(tenant, &detail)
                let refunded = Schemas.Refunded(
                    refund: result.refund, whole: try tenant.known(result.order), paid: result.paid)
                return .json(Schemas.refunded, refunded, in: tenant.currency)
            }
        }
    ]
}
