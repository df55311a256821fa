import CallKit
import HTTPCore
import TenantRegistry
import Testing

@testable import TenantApp

/// The address that a payment service is given, where the operator names none (A6, W6).
@Suite struct CallbackAddressTests {
    @Test(
        "A6 W6 a payment service reports to the address that a dialect of the tenant has for it, or to the one of all",
        arguments: [
            ("activation_codes", "/api/reseller/topup/webhook"),
            ("wholesale_orders, activation_codes", "/api/reseller/topup/webhook"),
            ("wholesale_orders,proxy_ports", "/api/payments/callback"), ("", "/api/payments/callback"),
        ])
    func address(dialects: String, path: String) throws {
        try withTill { till, _ in
            try till.node.write(till.record) { tenant, _ in try tenant.set(Scopes.dialectsSetting, to: dialects) }
            #expect(try till.node.read(till.record) { try $0.paymentCallbackPath() } == path)
        }
    }

    @Test("A6 the address that a dialect has for reports is a route of it, which takes them without a credential")
    func routes() {
        let reporting = Dialects.all.filter { $0.paymentCallbackPath != nil }
        #expect(!reporting.isEmpty)
        for dialect in reporting {
            let route = dialect.routes.first { dialect.basePath + $0.pattern == dialect.paymentCallbackPath }
            #expect(route?.method == .post && route?.access == .open, "\(dialect.name)")
        }
    }
}
