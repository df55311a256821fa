package import CallKit
package import TenantRegistry

/// Pays something of an order back, from sales to the reseller's balance (O10). What is due is paid from it (W9).
///
/// Invariant: what is paid back of an order, of a service and of a period is never more than was taken for it. The test
/// book moves nothing (X7).
package struct RefundOrder: Sendable {
    package struct Request: Sendable {
        /// More than nothing, in whole minor units.
        package let amount: Money
        package let reason: String
        /// A service of the order, and a period of that one.
        package let serviceID: String?
        package let period: Int64?

        package init(amount: Money, reason: String, serviceID: String? = nil, period: Int64? = nil) {
            self.amount = amount
            self.reason = reason
            self.serviceID = serviceID
            self.period = period
        }
    }

    package struct Result: Sendable {
        package let order: Order
        package let refund: Refund
        /// What was past due and is paid from it.
        package let paid: [PayDueServices.Paid]
    }

    package let orderID: String
    package let request: Request
    package let accountID: Int64
    package let keyID: Int64
    /// Of the key that refunds: one of mode `test` refunds orders of the test book alone.
    package let callerBook: Book

    package init(orderID: String, request: Request, accountID: Int64, keyID: Int64, callerBook: Book = .live) {
        self.orderID = orderID
        self.request = request
        self.accountID = accountID
        self.keyID = keyID
        self.callerBook = callerBook
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Result {
        guard let order = try tenant.order(publicID: orderID, resellerID: nil, book: nil) else {
            throw Refusal.notFound(.order)
        }
        try callerBook.judgeWrite(to: order.book)
        guard order.state != .pending else { throw Refusal.conflict(.orderPending) }
        let part = try part(of: order, tenant)
        let rest = try tenant.refundable(part, of: order)
        guard request.amount <= rest else {
            throw Refusal.unprocessable(.refundExceedsCaptured(rest: tenant.decimal(rest)))
        }
        detail.resellerID = order.resellerID
        detail.note("order", order.publicID)
        detail.note("amount", tenant.decimal(request.amount))
        detail.note("reason", request.reason)
        if let service = request.serviceID { detail.note("service", service) }
        if let period = request.period { detail.note("period", String(period)) }
        let posting = try tenant.post(
            .refund, order.book == .live ? request.amount : .zero, from: .sales,
            to: .balance(reseller: order.resellerID), reference: order.publicID, resellerID: order.resellerID,
            book: order.book, keyID: keyID, detail: &detail)
        let refund = try tenant.insertRefund(
            of: part, in: order, amount: request.amount, reason: request.reason, posting: posting, keyID: keyID,
            accountID: accountID, &detail)
        detail.note("refund", refund.publicID)
        let refunded = try tenant.emitOrder(.orderRefunded, tenant.knownOrder(orderID)) { json in
            json.field("amount", tenant.decimal(refund.amount))
            json.object("refund") { json in
                WholesaleOrders.Schemas.refund.write(refund, in: tenant.currency, to: &json)
            }
        }
        let paid = try PayDueServices.run(
            tenant, resellerID: order.resellerID, book: order.book, keyID: keyID, &detail)
        return Result(order: refunded, refund: refund, paid: paid)
    }

    private func part(of order: Order, _ tenant: TenantReader) throws -> RefundedPart {
        guard let serviceID = request.serviceID else { return RefundedPart(orderID: order.id) }
        let service = try tenant.service(publicID: serviceID, resellerID: order.resellerID, book: order.book)
        guard let service, service.orderPublicID == order.publicID else { throw Refusal.notFound(.service) }
        return RefundedPart(orderID: order.id, serviceID: service.id, period: request.period)
    }
}
