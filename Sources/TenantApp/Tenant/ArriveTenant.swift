package import TenantRegistry

/// What a tenant that comes from another node changes (P10): who was told to call back at its address there is told
/// its address here. What its operator gave for a payment service stays.
package struct ArriveTenant: Sendable {
    /// Its address here, without the path of a call.
    package let baseURL: String
    /// Its slug at the other node.
    package let formerSlug: String

    package init(baseURL: String, formerSlug: String) {
        self.baseURL = baseURL
        self.formerSlug = formerSlug
    }

    package func run(_ tenant: TenantTransaction) throws {
        try tenant.moveProvisioners(to: baseURL)
        try tenant.movePaymentService(from: formerSlug, to: baseURL, callback: try tenant.paymentCallbackPath())
    }
}
