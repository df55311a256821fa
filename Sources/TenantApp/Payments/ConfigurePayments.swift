package import CallKit
package import TenantRegistry

/// Puts a payment service in force, or takes the one there is away.
package struct ConfigurePayments: Sendable {
    /// Nil: from now on none.
    package let new: NewPaymentService?
    /// How long callbacks under the old service's secret are still taken.
    package let overlapSeconds: Int64

    package static let overlapSecondsMax: Int64 = 7 * 86_400

    package init(_ new: NewPaymentService?, overlapSeconds: Int64 = 0) {
        self.new = new
        self.overlapSeconds = overlapSeconds
    }

    /// What is in force then.
    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> PaymentService? {
        if new == nil, try tenant.paymentService() == nil { throw Refusal.notFound(.paymentService) }
        try tenant.endPaymentService(overlapSeconds: overlapSeconds)
        guard let new else {
            detail.note("driver", "none")
            return nil
        }
        try tenant.insertPaymentService(new)
        let service = try tenant.paymentService()
        detail.note("driver", service?.driver.rawValue ?? "none")
        return service
    }
}
