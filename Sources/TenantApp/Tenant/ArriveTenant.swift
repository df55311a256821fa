package import TenantRegistry

/// What a tenant that comes from another node changes (P10): whom its operator told to call back at its address there
/// is told its address here. One that was given for itself, or is at a host of the tenant's own, stays.
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
        let former = "/t/\(formerSlug)"
        try tenant.moveProvisioners(from: former, to: baseURL)
        try tenant.movePaymentService(from: former, to: baseURL, callback: try tenant.paymentCallbackPath())
    }
}
