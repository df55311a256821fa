import CallKit
import HTML
import HTTPCore
import PageKit

/// What the balance is, what moved on it, and topping it up (W6, A6).
extension PortalPages {
    static let balance: [Page] = [
        Page(
            inSteps: "/balance", "Balance",
            afterwards: { visit, call, answer in
                call.path.hasSuffix("/topup") ? payment(answer, visit) : nil
            }
        ) { view in
            let (account, balance) = try await view.reading { view in
                (try view.get("/account"), try view.get("/balance"))
            }
            let statement = try await view.get("/statement", view.asked("cursor") + [("limit", "50")])
            let currency = balance["currency"]
            let facts = Facts(
                isRow: true,
                [
                    ("Balance", "\(Amount(balance["balance"], currency: currency))"),
                    ("Held for orders", "\(Amount(balance["held"], currency: currency))"),
                    ("Credit limit", "\(Amount(balance["credit_limit"], currency: currency))"),
                    ("Available", "\(Amount(balance["available"], currency: currency))"),
                ])
            return PageContent(
                "Balance",
                """
                \(view.standing(account))\(Panel("Now") { facts.html })\(topUp(view, currency))
                \(Panel("Statement", actions: export(view)) { moves(statement, view).html })
                """)
        }
    ]

    private static func topUp(_ view: SlowView, _ currency: String) -> HTML {
        let own = OwnAPI.of(view)
        guard let topUp = own.topUp, view.may(.post, topUp, of: own.base) else { return "" }
        return Panel("Top up", id: "top-up") {
            view.form("POST \(own.base)\(topUp)") {
                """
                \(view.field(
                    "Amount", "amount", .decimal, unit: currency,
                    hint: "You pay on the payment service's page; it is credited once that has confirmed it.", size: .short))
                <div class="actions">\(Button("Go to payment", .primary))</div>
                """
            }.html
        }.html
    }

    private static func export(_ view: SlowView) -> HTML {
        Button("Download as CSV", .quiet, leadsTo: view.link("/balance/statement.csv")).html
    }

    private static func moves(_ statement: Row, _ view: SlowView) -> DataTable {
        DataTable(
            caption: "Statement, newest first",
            columns: [
                Column("What"), Column("When"), Column("Reference"), Column("Amount, \(view.currency)", .number),
                Column("Balance then, \(view.currency)", .number),
            ],
            rows: statement.rows().map { posting in
                [
                    "\(Word.posting(posting["kind"]))", view.when(posting["at"]), reference(posting, view),
                    "\(Amount(posting["amount"]))", "\(Amount(posting["balance_after"]))",
                ]
            },
            empty: Empty("Nothing has moved yet", "Top up, and order.").html, previous: view.first(),
            next: view.next(statement))
    }

    private static func reference(_ posting: Row, _ view: SlowView) -> HTML {
        let text = posting["reference"]
        let id = text.split(separator: ":").first.map(String.init) ?? text
        if text.hasPrefix("ord_") { return #"<a href="\#(view.link("/orders", id))"><code>\#(text)</code></a>"# }
        if text.hasPrefix("svc_") { return #"<a href="\#(view.link("/services", id))"><code>\#(text)</code></a>"# }
        return "\(text)"
    }

    /// Where to pay: another site, or the sandbox's page here.
    private static func payment(_ payment: Row, _ visit: Visit) -> PageContent {
        let address = payment.any("payment_url", "paymentUrl") ?? ""
        let amount = payment.optional("amount").map { "\(Amount($0, currency: payment.optional("currency")))" as HTML }
        let end = payment.any("expires_at", "expiresAt").map(Moment.text)
        let own = visit.call.baseURL
        let link =
            address.hasPrefix(own + "/")
            ? Link(path: visit.call.head.rootPath + address.dropFirst(own.count)) : Link(external: address)
        return PageContent(
            "Pay", sub: "<code>\(payment.any("order_id", "orderId") ?? "")</code>",
            """
            \(Panel("One step is left") {
                """
                <p>You pay\(amount.map { " <b>\($0)</b>" as HTML }) on the payment service's page\
                \(end.map { ", until \(TimeText($0))" as HTML }).</p>
                <div class="actions">\(link.map { Button("Pay now", .primary, leadsTo: $0) }?.html)\
                \(Button("Back to the balance", .quiet, leadsTo: visit.link("/balance")))</div>
                \(if: link == nil, "<p>Open this address: <code>\(address)</code></p>")
                """
            })
            """)
    }
}
