package import CallKit
import HTML
package import HTTPCore
import PageKit
package import TenantRegistry

/// The sandbox's payment page: a Pay and a Cancel button stand for the money (A6, X7). Whoever has the order id may
/// press them, as whoever has a payment service's address may pay there. The page says that no money moves.
///
/// Invariant: a payment of the live book is decided here only while the operator has live keys on the sandbox.
package struct SandboxPayPages: OpenDialect {
    package let name = "sandbox_pay"
    package let basePath = SandboxPaymentDriver.basePath
    package let formGate: FormGate? = .openToPrograms
    package let errorContentType = HTMLPage.contentType

    package init() {}

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        let theme = head.flatMap { tenant?.knownTheme(at: $0.rootPath) }
        let page = Self.page("Payment", theme: theme, "\(Notice(.bad, "<p>\(refusal.sentence)</p>"))")
        return (head.map { page.seen(by: $0) } ?? page).response(to: refusal)
    }

    private static let formBytesMax = 1 << 10

    private enum Choice: String, CaseIterable {
        case pay
        case cancel

        var report: PaymentReport { self == .pay ? .confirmed : .failed }
    }

    package let routes: [Route] = [
        Route(.get, "/{orderId}", "Show the sandbox's payment page", access: .open) { call in
            .read { tenant in try shown(try payment(call, tenant), tenant, call) }
        },
        Route(
            .post, "/{orderId}", "Press a button of the sandbox's payment page", access: .open,
            body: .whole(bytesMax: formBytesMax)
        ) { call in
            let choice = try call.readForm(Body(Field.choice("action", Choice.self)))
            return .flow { steps in
                // What is decided is shown, and leaves no row.
                let decided = try await steps.read { tenant -> Answer? in
                    let payment = try payment(call, tenant)
                    return try isOpen(payment, tenant) ? nil : shown(payment, tenant, call)
                }
                if let decided { return .answer(decided) }
                return .write { tenant, detail in
                    let payment = try payment(call, tenant)
                    if try isOpen(payment, tenant) {
                        _ = try ConfirmTopUp(
                            paymentID: payment.id, report: choice.report,
                            amount: tenant.decimal(payment.amount), currency: tenant.currency.code
                        ).run(tenant, &detail)
                    }
                    return try shown(try tenant.knownPayment(id: payment.id), tenant, call)
                }
            }
        },
    ]

    /// Nobody's money: unlike at a real service, none can come late.
    private static func isOpen(_ payment: Payment, _ tenant: TenantReader) throws -> Bool {
        try payment.state(at: tenant.now) == .pending && tenant.isSandboxOpen(for: payment)
    }

    private static func shown(_ payment: Payment, _ tenant: TenantReader, _ call: Call) throws -> Answer {
        let open = OpenForm(call)
        return open.answer(try page(payment, tenant, call, open.tokens))
    }

    /// Real payments have no page here.
    private static func payment(_ call: Call, _ tenant: TenantReader) throws -> Payment {
        guard let payment = try tenant.payment(orderID: call.parameters[0]), payment.driver == .sandbox else {
            throw Refusal.notFound(.payment)
        }
        return payment
    }

    // MARK: The page

    private static func page(_ title: String, theme: Theme?, _ content: HTML) -> HTMLPage {
        HTMLPage(
            title: "\(title) (sandbox)", theme: theme,
            content: """
                <h1>\(title)</h1>
                \(Notice(
                    .info, "<p><b>Sandbox.</b> This is a test: nobody is charged and no real money moves.</p>"))
                \(content)
                """)
    }

    private static func button(_ text: String, _ choice: Choice) -> Button {
        Button(text, choice == .pay ? .primary : .plain, name: "action", value: choice.rawValue)
    }

    private static func page(
        _ payment: Payment, _ tenant: TenantReader, _ call: Call, _ tokens: FormTokens
    ) throws -> HTMLPage {
        let theme = try tenant.theme(at: call.head.rootPath)
        let amount: HTML = #"<p class="figure">\#(tenant.decimal(payment.amount)) \#(tenant.currency.code)</p>"#
        switch payment.state(at: tenant.now) {
        case .pending:
            guard try tenant.isSandboxOpen(for: payment) else {
                return page("Closed", theme: theme, "\(amount)<p>This payment can no longer be made here.</p>")
            }
            let form = Form(open: tokens, { "\(button("Pay", .pay))\n\(button("Cancel", .cancel))" })
            return page("Top-up", theme: theme, "\(amount)\(form)")
        case .confirmed: return page("Paid", theme: theme, "\(amount)<p>The balance has been topped up.</p>")
        case .failed: return page("Cancelled", theme: theme, "\(amount)<p>Nothing was credited.</p>")
        case .expired: return page("Expired", theme: theme, "\(amount)<p>This payment was not made in time.</p>")
        }
    }
}
