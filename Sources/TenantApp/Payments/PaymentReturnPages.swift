package import CallKit
import HTML
package import HTTPCore
import PageKit
package import TenantRegistry

/// Where a payment service sends the payer back to, where the operator says nothing else (A6). It knows no payment:
/// what was paid shows in the balance, once the service has reported it.
package struct PaymentReturnPages: OpenDialect {
    /// Below the tenant's base URL.
    package static let path = "/payment/done"

    package let name = "payment_return"
    package let basePath = "/payment"
    package let errorContentType = HTMLPage.contentType

    package init() {}

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        let content: HTML = "<h1>Payment</h1>\(Notice(.bad, "<p>\(refusal.sentence)</p>"))"
        return HTMLPage(title: "Payment", for: head, at: tenant, content: content).response(to: refusal)
    }

    package let routes: [Route] = [
        Route(.get, "/done", "Say that the payment is on its way", access: .open) { call in
            .read { tenant in
                let content: HTML = """
                    <h1>Thank you</h1>
                    <p>What you paid is credited as soon as the payment service has confirmed it. You may close this page.</p>
                    """
                return HTMLPage(title: "Payment", theme: try tenant.theme(at: call.head.rootPath), content: content)
                    .seen(by: call.head).answer()
            }
        }
    ]
}
