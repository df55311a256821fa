package import CallKit
package import TenantRegistry

/// Writes down what the payment service made of a payment's beginning: its page, or why there is none.
package struct FinishTopUp: Sendable {
    package let paymentID: Int64
    package let outcome: Result<CreatedPayment, PaymentFailure>

    package init(paymentID: Int64, outcome: Result<CreatedPayment, PaymentFailure>) {
        self.paymentID = paymentID
        self.outcome = outcome
    }

    /// A report may have come first: what was decided stays.
    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Payment {
        let payment = try tenant.knownPayment(id: paymentID)
        detail.note("payment", payment.publicID)
        switch outcome {
        case .success(let created):
            if payment.paymentURL == nil {
                try tenant.setPage(of: payment, url: created.url, reference: created.reference)
            }
        case .failure(let failure):
            detail.note("failure", failure.text)
            // Another call with the same Idempotency-Key may have had its page meanwhile.
            if payment.state == .pending && payment.paymentURL == nil {
                try tenant.decide(payment, .failed, failure: failure.text)
            }
        }
        return try tenant.knownPayment(id: paymentID)
    }
}
