import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// The sandbox's payment page: a Pay and a Cancel button stand for the money (CONTRACT A6, X7). Whoever has the order id may
/// press them, as whoever has a payment service's address may pay there. The page says that no money moves.
struct SandboxPayPages: Dialect {
    let name = "sandbox_pay"
    let basePath = SandboxPaymentDriver.basePath
    let isAlwaysThere = true
    let isDescribed = false
    let errorContentType = HTMLPage.contentType

    func credential(in head: RequestHead) -> Range<Int>? { nil }

    func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        let page = Self.page("Payment", theme: nil, "<p role=\"alert\">\(HTMLPage.escape(refusal.sentence))</p>")
        var response = Response(status: refusal.status, contentType: HTMLPage.contentType, bytes: page.bytes)
        response.headers.add(page.headers)
        if let seconds = refusal.retryAfterSeconds { response.headers.add("Retry-After", seconds) }
        if case .methodNotAllowed(let allowed) = refusal { response.headers.add("Allow", allowed) }
        return response
    }

    private static let formBytesMax = 1 << 10

    private enum Button: String, CaseIterable {
        case pay
        case cancel

        var report: PaymentReport { self == .pay ? .confirmed : .failed }
    }

    let routes: [Route] = [
        Route(.get, "/{orderId}", "Show the sandbox's payment page", access: .open) { call in
            .read { tenant in try page(try payment(call, tenant), tenant).answer() }
        },
        Route(
            .post, "/{orderId}", "Press a button of the sandbox's payment page", access: .open,
            body: .whole(bytesMax: formBytesMax)
        ) { call in
            let button = try call.readForm(Body(Field.choice("action", Button.self)))
            return .write { tenant, detail in
                let payment = try payment(call, tenant)
                // Nobody's money: unlike at a real service, none can come late.
                if payment.state(at: tenant.now) == .pending {
                    _ = try ConfirmTopUp(
                        paymentID: payment.id, report: button.report,
                        amount: tenant.decimal(payment.amount), currency: tenant.currency.code
                    ).run(tenant, &detail)
                }
                return try page(try tenant.knownPayment(id: payment.id), tenant).answer()
            }
        },
    ]

    /// Real payments have no page here.
    private static func payment(_ call: Call, _ tenant: TenantReader) throws -> Payment {
        guard let payment = try tenant.payment(orderID: call.parameters[0]), payment.driver == .sandbox else {
            throw Refusal.notFound("payment")
        }
        return payment
    }

    // MARK: The page

    private static func page(_ title: String, theme: Theme?, _ content: String) -> HTMLPage {
        HTMLPage(
            title: "\(title) (sandbox)", theme: theme,
            content: """
                <h1>\(HTMLPage.escape(title))</h1>
                <p role="note"><strong>Sandbox.</strong> This is a test: nobody is charged and no real money moves.</p>
                \(content)
                """)
    }

    private static func page(_ payment: Payment, _ tenant: TenantReader) throws -> HTMLPage {
        let theme = try tenant.theme()
        let amount = "<p><strong>\(tenant.decimal(payment.amount)) \(tenant.currency.code)</strong></p>"
        switch payment.state(at: tenant.now) {
        case .pending:
            return page(
                "Top-up", theme: theme,
                amount + """
                    <form method="post"><button name="action" value="pay">Pay</button>
                    <button name="action" value="cancel">Cancel</button></form>
                    """)
        case .confirmed: return page("Paid", theme: theme, amount + "<p>The balance has been topped up.</p>")
        case .failed: return page("Cancelled", theme: theme, amount + "<p>Nothing was credited.</p>")
        case .expired: return page("Expired", theme: theme, amount + "<p>This payment was not made in time.</p>")
        }
    }
}
