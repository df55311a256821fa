import CallKit
import TenantRegistry

/// `payment_driver`: the sandbox, so that a demonstration's top-ups can be paid by a button (A6, D1).
extension FillDemo {
    func fillPaymentService(_ tenant: TenantTransaction) throws {
        guard let paymentDriver else { return }
        guard paymentDriver == PaymentDriverKind.sandbox.rawValue else {
            throw Refusal.field("/demo/payment_driver", "choice", "must be sandbox")
        }
        var detail = AuditDetail()
        _ = try ConfigurePayments(NewPaymentService(.sandbox)).run(tenant, &detail)
    }
}
