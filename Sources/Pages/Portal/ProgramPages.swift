import CallKit
import HTML
import HTTPCore
import PageKit

/// The programme: its terms, how one stands, whom to ask (W1, C4).
extension PortalPages {
    static let program: [Page] = [
        Page("/program", "Program overview") { view in
            let account = try view.get("/account")
            let program = try view.get("/program")
            let currency = account["currency"]
            let terms = Facts([
                ("Discount", "\(account["default_discount_rate"]) %, where no product has another"),
                ("Credit limit", "\(Amount(account["credit_limit"], currency: currency))"),
                (
                    "Low balance",
                    account.text("low_balance_threshold").map { "you are told below \(Amount($0, currency: currency))" }
                ),
                ("API", account.bool("api_access") ? "open to your keys" : "closed to your keys"),
                ("Currency", "\(currency)"),
            ])
            let standing = Facts([
                ("State", "\(State(account["status"])) \(sentence(account["status"], program, view))"),
                ("Standing", "\(State(account["standing"], tone: account["standing"] == "good" ? .good : .warn))"),
                ("Account made", view.when(program["applied_at"])),
                ("Approved", program.text("approved_at").map { "\(view.when($0))\(by(program))" }),
                ("Account", "<code>\(account["id"])</code>"), ("E-mail", "\(account["email"])"),
            ])
            let contacts = program.rows("contacts")
            return PageContent(
                "Program overview", sub: "\(program["name"])",
                """
                \(view.standing(account))\(activation(program, view))
                <div class="cols">\(Panel("How you stand") { standing.html })\(Panel("Terms") { terms.html })</div>
                <div class="cols">\(Panel("What it is") { scope(view) })\(if: !contacts.isEmpty, "\(Panel("Whom to ask") { asks(contacts) })")</div>
                \(if: view.visit.has(dialect: "credit_reports"), "\(Panel("Three rules") { rules })")
                """)
        }
    ]

    private static func by(_ program: Row) -> HTML {
        program.text("approved_by").map { " by \($0)" } ?? ""
    }

    private static func sentence(_ state: String, _ program: Row, _ view: some PageView) -> String {
        switch state {
        case "pending" where program.bool("sandbox_before_approval"):
            "Your account waits for approval. The sandbox is open to you."
        case "pending": "Your account waits for approval."
        case "active" where view.visit.has(dialect: orderDialect):
            "You order, and your services renew from your balance."
        case "active": "Your account is open."
        case "suspended": "You read, and change nothing. Your services go on."
        case "terminated": "Your services end with their paid term."
        default: ""
        }
    }

    private static func asks(_ contacts: [Row]) -> HTML {
        """
        <dl class="facts">\(each: contacts, { contact in
            let name = contact["name"].isEmpty ? "Owner" : contact["name"]
            return "<div><dt>\(name)</dt><dd>\(contact["email"])</dd></div>"
        })</dl>
        """
    }

    /// What one does here, by what the tenant sells.
    private static func scope(_ view: some PageView) -> HTML {
        let sold: [(dialect: String, sentence: HTML)] = [
            (
                orderDialect,
                """
                <li>Prices are yours, product by product, with a setup fee and a limit of units where there is one.</li>
                <li>Orders are paid from your balance; what does not fit is refused, never half done.</li>
                <li>Your shop orders by a signed API, and hears of what happens by webhooks.</li>
                """
            ),
            (
                codeDialect,
                "<li>You make activation codes from your balance. Each is redeemed once, by your customer.</li>"
            ),
            ("licence_keys", "<li>You fetch licences from the stock, and assign each to a user of your panel.</li>"),
            ("proxy_ports", "<li>You give ports to your customers, from your balance or from theirs.</li>"),
            ("credit_reports", "<li>You report what your customers pay, and it is compared with your ledger.</li>"),
        ]
        return """
            <ul><li>One level: you sell to your own customers, and nobody stands between us.</li>\
            \(each: sold.filter { view.visit.has(dialect: $0.dialect) }, { $0.sentence })</ul>
            """
    }

    /// The seller's own words to whoever reports credits (C1–C3).
    private static let rules: HTML = """
        <ol><li>Report every billable customer event: top-up, plan purchase, renewal. The <code>external_ref</code> keeps a \
        report from counting twice.</li>
        <li>Never delete events, on either side. They are compared with your ledger, and what does not fit opens a review.</li>
        <li>Treat keys like a merchant's secrets. If one may be known to others, rotate it at once.</li></ol>
        """
}
