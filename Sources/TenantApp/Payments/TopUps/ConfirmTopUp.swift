package import CallKit
package import TenantRegistry

/// Takes in what became of a payment: confirmed, its amount goes to the reseller's balance, once, however often it is
/// told (A6).
///
/// What does not fit the payment moves no money: it is kept, and opens a review for the operator.
package struct ConfirmTopUp: Sendable {
    package enum Outcome: Sendable, Equatable {
        case done
        /// Another amount or currency than was asked for.
        case refused
        /// Genuine, but against what was decided before; kept for the operator.
        case kept
    }

    package let paymentID: Int64
    package let report: PaymentReport
    /// As the service wrote them.
    package let amount: String
    package let currency: String

    package init(paymentID: Int64, report: PaymentReport, amount: String, currency: String) {
        self.paymentID = paymentID
        self.report = report
        self.amount = amount
        self.currency = currency
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Outcome {
        let payment = try tenant.knownPayment(id: paymentID)
        detail.resellerID = payment.resellerID
        detail.note("payment", payment.publicID)
        detail.note("report", report.rawValue)
        guard (try? Money(parsing: amount)) == payment.amount, currency == tenant.currency.code else {
            try keep(payment, tenant, &detail)
            return .refused
        }
        switch PaymentDecision(report, in: payment.state) {
        case .nothing: return .done
        case .contradiction:
            try keep(payment, tenant, &detail)
            return .kept
        case .move(.confirmed):
            let posting = try tenant.post(
                .topUp, payment.amount, from: .funding, to: .balance(reseller: payment.resellerID),
                reference: payment.orderID, resellerID: payment.resellerID, book: payment.book, keyID: payment.keyID,
                detail: &detail)
            try tenant.decide(payment, .confirmed, posting: posting)
            try PayDueServices.run(
                tenant, resellerID: payment.resellerID, book: payment.book, keyID: payment.keyID, &detail)
            return .done
        case .move(let state):
            try tenant.decide(payment, state, failure: "the payment service says \(report.rawValue)")
            return .done
        }
    }

    private func keep(_ payment: Payment, _ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        try tenant.notePaymentDifference(
            ofPayment: payment.id, status: report.rawValue, amount: amount, currency: currency)
        try tenant.openReview(
            .payment, subject: payment.publicID, resellerID: payment.resellerID, book: payment.book, detail: &detail)
    }
}
