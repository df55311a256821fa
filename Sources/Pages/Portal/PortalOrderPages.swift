import CallKit
import HTML
import HTTPCore
import PageKit

/// Orders: what was ordered, and ordering (W4, W5). A price is asked first, and an order names it.
extension PortalPages {
    static let orders: [Page] = [
        Page(inSteps: "/orders", "Orders") { view in
            let account = try await view.get("/account")
            let found = try await view.found(
                "/orders", view.asked("state", "reference", "customer", "cursor") + [("limit", "50")],
                looks: SlowView.looksMax)
            let tabs: [(String, String?)] = [
                ("All", nil), ("Completed", "completed"), ("Pending", "pending"), ("Rejected", "rejected"),
            ]
            let state = tabs.first { $0.1 == view.visit.asked("state") }?.0
            return PageContent(
                state.map { $0 == "All" ? "Orders" : "\($0) orders" } ?? "Orders",
                actions: mayOrder(view) ? order(view) : nil,
                """
                \(view.standing(account))\(Tabs("State", tabs.map { title, state in
                    Tabs.Tab(
                        title, view.visit.here([("state", state), ("cursor", nil)]),
                        isCurrent: view.visit.asked("state") == state)
                }))\(filters(view))\(found.shown(orderTable(found.rows, view, of: found.list).html))
                """)
        },
        Page("/orders/new", "Order") { view in try new(view) },
        Page("/orders/quote", "Confirm the order") { view in try quote(view) },
        Page("/orders/{id}", "Order") { view in try whole(view.get("/orders/\(view.visit.segment())"), view) },
    ]

    private static func mayOrder(_ view: some PageView) -> Bool { view.may(.post, "/orders") }

    private static func order(_ view: some PageView) -> HTML {
        Button("Order", .primary, leadsTo: view.link("/orders/new")).html
    }

    private static func filters(_ view: some PageView) -> HTML {
        Form.get(view.link("/orders"), keeping: view.kept("state")) {
            """
            \(FormField(
                "Reference", name: "reference", kind: .search, value: view.visit.asked("reference"), hint: "All of it",
                isRequired: false))\
            \(FormField(
                "Customer", name: "customer", kind: .search, value: view.visit.asked("customer"),
                hint: "Your whole id of it", isRequired: false))\
            <div class="actions">\(Button("Filter"))\(view.clear(["reference", "customer"]))</div>
            """
        }
    }

    /// `list`: whose page they are; nil for a few of them on another page.
    static func orderTable(_ orders: [Row], _ view: some PageView, of list: Row? = nil) -> DataTable {
        let isFiltered = ["state", "reference", "customer"].contains { view.visit.asked($0) != nil }
        let empty =
            isFiltered && list != nil
            ? Empty(
                "No order matches", "Look for another state, reference or customer.",
                actions: Button("All orders", leadsTo: view.link("/orders")).html)
            : view.visit.isTest
                ? Empty("No test orders yet", "Place one by the API, with a test key.")
                : mayOrder(view)
                    ? Empty("No orders yet", "Order from your price list here, or by the API.", actions: order(view))
                    : Empty("No orders yet")
        return DataTable(
            caption: "Orders, newest first",
            columns: [
                Column("Order", .id), Column("Ordered"), Column("Product"), Column("Units", .number),
                Column("Customer"),
                Column("Reference"), Column("Total, \(view.currency)", .number), Column("State"),
            ],
            rows: orders.map { order in
                [
                    view.idLink("/orders", order["id"]), view.when(order["created_at"]),
                    "\(order["product"].shortened), \(Word.term(order["term"]))", "\(order["quantity"])",
                    "\(order["customer_external_id"].shortened)", "\(order["reference"].shortened)",
                    "\(Amount(order["wholesale_total"]))", "\(State(order["state"]))",
                ]
            }, empty: empty.html, previous: list.flatMap { _ in view.first() },
            next: list.flatMap { view.next($0) })
    }

    // MARK: One order

    private static func whole(_ order: Row, _ view: View) throws -> PageContent {
        let currency = order["currency"]
        let facts = Facts([
            ("State", "\(State(order["state"])) \(Word.order(order["state"]))"),
            ("Why", order.text("reason").map { "\($0)" }),
            (
                "Product",
                """
                <a href="\(view.link("/products"))">\(order["product"])</a>, \
                \(Figure.counted(order.int("quantity"), "unit", "units")) for \(Word.each(order["term"]))
                """
            ),
            (
                "Customer",
                view.row(
                    order["customer_external_id"],
                    view.link("/services", query: [("customer", order["customer_external_id"])])
                )
            ),
            ("Reference", order.text("reference").map { "\($0)" }), ("Ordered", view.when(order["created_at"])),
            ("Decided", order.text("decided_at").map { view.when($0) }),
            ("Units", "\(Amount(order["line_total"], currency: currency))"),
            ("Setup", "\(Amount(order["setup_total"], currency: currency))"),
            ("Total", "<b>\(Amount(order["wholesale_total"], currency: currency))</b>"),
            (
                "Refunded",
                order["refunded"].contains { ("1"..."9").contains($0) }
                    ? "\(Amount(order["refunded"], currency: currency))" : nil
            ),
        ])
        let refunds = order.rows("refunds")
        return PageContent(
            "Order of \(order["quantity"]) × \(order["product"])",
            sub: "\(view.row("Orders", view.link("/orders"))) · <code>\(order["id"])</code> · \(State(order["state"]))",
            """
            \(view.standing(try view.get("/account")))\(Panel("What was ordered") { facts.html })
            \(Panel("Services") { serviceTable(order.rows("services"), view).html })
            \(if: !refunds.isEmpty, "\(Panel("Refunds") { refundTable(refunds, view).html })")
            """)
    }

    private static func refundTable(_ refunds: [Row], _ view: View) -> DataTable {
        DataTable(
            caption: "Refunds",
            columns: [
                Column("Refund", .id), Column("Amount, \(view.currency)", .number), Column("Why"), Column("When"),
            ],
            rows: refunds.map { refund in
                [
                    "<code>\(refund["id"])</code>", "\(Amount(refund["amount"]))",
                    "\(refund["reason"])", "\(TimeText(refund["refunded_at"]))",
                ]
            }, empty: "")
    }

    // MARK: Ordering

    private static func new(_ view: View) throws -> PageContent {
        let account = try view.get("/account")
        let list = try view.get("/products", [("limit", "100")])
        let (products, isWhole) = (list.rows(), list.nextCursor == nil)
        guard mayOrder(view) else {
            let why: HTML =
                view.visit.isTest
                ? "<p>Test orders are placed by the API, with a test key.</p>" : "<p>Nothing can be ordered now.</p>"
            return PageContent("Order", "\(view.standing(account))\(why)")
        }
        guard !products.isEmpty else {
            let none = Empty("Nothing is priced for you yet", "Ask for a price, and order then.")
            return PageContent("Order", none.html)
        }
        let asked = { (name: String) in view.visit.asked(name) }
        let terms = Word.terms.filter { term in
            !isWhole || products.contains { $0.row("terms")?.json[term] != nil }
        }
        return PageContent(
            "Order", sub: "First you see what it costs.",
            """
            \(shortage(view))\
            \(Panel("What, and for whom") {
                Form.get(
                    view.link("/orders/quote"), keeping: [(name: "once", value: view.once)] + view.kept("list"), .plain
                ) {
                    """
                    <div class="cols"><div>\(view.choice(
                        "Product", "product",
                        products.map { .init($0["product"], "\($0["name"]) (\($0["product"]))") }, isWhole: isWhole,
                        hint: "Its SKU, as your price list has it.", value: asked("product")))\
                    <div class="fields">\(view.field(
                        "Term", "term", .select(terms.map { .init($0, Word.each($0)) }), value: asked("term")))\
                    \(view.field("Units", "quantity", .number, value: asked("quantity") ?? "1", size: .short))</div>
                    \(view.field(
                        "Reference", "reference", value: asked("reference"),
                        hint: "Your own name of the order, say an invoice's number.", isRequired: false))</div>
                    <fieldset><legend>Customer</legend>\(view.field(
                        "Your own id of the customer", "customer.external_id",
                        value: asked("customer.external_id") ?? asked("customer"),
                        hint: "An order for a new id makes a new customer."))\
                    \(view.field("Name", "customer.name", value: asked("customer.name"), isRequired: false))\
                    \(view.field(
                        "E-mail", "customer.email", .email, value: asked("customer.email"), isRequired: false
                    ))</fieldset></div>
                    <div class="actions">\(Button("Ask for the price", .primary))</div>
                    """
                }
            })
            """)
    }

    /// Beside the refusal of what the balance does not have; nil beside any other.
    static func shortage(_ view: View) -> HTML? {
        guard case .insufficientBalance? = view.visit.attempt?.refusal else { return nil }
        return topUp("Nothing was paid, and what you typed stands below.", view)
    }

    private static func topUp(_ words: String, _ view: View) -> HTML {
        Notice(.info, #"<p>\#(words) <a href="\#(view.link("/balance"))">Top up</a> first.</p>"#).html
    }

    /// What the order of the address costs. It asks anew whenever somebody comes back to it.
    private static func quote(_ view: View) throws -> PageContent {
        // What was typed stands below the refusal of an order.
        guard view.visit.attempt == nil, mayOrder(view) else { return try new(view) }
        let asked = names.map { (name: $0, value: view.visit.asked($0) ?? "") }
        guard asked.contains(where: { !$0.value.isEmpty }) else { return .elsewhere(view.link("/orders/new")) }
        let (quote, view) = try view.tried("/orders/quote", asked)
        guard let quote else { return try new(view).refused(in: view) }
        return try confirm(view, asked.filter { !$0.value.isEmpty }, quote)
    }

    /// An order's fields, in its form and in the address of its price.
    private static let names = [
        "product", "term", "quantity", "customer.external_id", "customer.name", "customer.email", "reference",
    ]

    /// What it costs, and what is left then: the order is made by the second form.
    private static func confirm(
        _ view: View, _ asked: [(name: String, value: String)], _ quote: Row
    ) throws -> PageContent {
        let currency = quote["currency"]
        let list = try view.get("/products", [("limit", "100")])
        let known = list.rows().first { $0["product"] == quote["product"] }
        let name: HTML? = known.map { "\($0["name"]) " }
        let facts: [(name: String, value: HTML?)] = [
            ("Product", "\(name)<code>\(quote["product"])</code>"),
            ("Units", "\(quote["quantity"]), for \(Word.each(quote["term"]))"),
            ("For", "\(view.visit.asked("customer.external_id") ?? "")"),
            ("Units cost", "\(Amount(quote["line_total"], currency: currency))"),
            ("Setup", "\(Amount(quote["setup_total"], currency: currency))"),
            (
                "An hour, then",
                quote.optional("hourly_total").map { "\(Amount($0, currency: currency)), charged daily" }
            ),
        ]
        let costs = try costs(quote["wholesale_total"], view)
        let change = view.link("/orders/new", query: asked.map { ($0.name, $0.value) })
        return PageContent(
            "Confirm the order", sub: "Nothing has been ordered yet.",
            """
            \(Panel("What it costs") {
                """
                \(confirmed(
                    facts, costs, by: confirmation(view, asked, quote),
                    or: Button("Change it", .quiet, leadsTo: change), view))
                """
            })
            """
        ).paying(pays(quote))
    }

    /// What something costs, and the form that pays it; where the balance does not have that, the way to more.
    static func confirmed(
        _ facts: [(name: String, value: HTML?)], _ costs: Costs, by form: Form, or back: Button, _ view: View
    ) -> HTML {
        let short: HTML? = costs.isCovered ? nil : topUp("Your balance does not have that much.", view)
        let pay: HTML? = costs.isCovered ? form.html : nil
        return """
            \(Facts(facts + costs.facts))\(short)<div class="actions">\(pay)\(back)</div>
            """
    }

    /// What something takes from the balance, and what is left then.
    struct Costs {
        let facts: [(name: String, value: HTML?)]
        /// Whether the balance and the credit limit have it. What costs nothing needs nothing, whatever is owed.
        let isCovered: Bool
    }

    static func costs(_ total: String, _ view: View) throws -> Costs {
        let balance = try view.get("/balance")
        let (currency, available) = (balance["currency"], balance["available"])
        let after = try rest(total, of: available)
        let isFree = try Money(parsing: total) == .zero
        return Costs(
            facts: [
                ("Total", "<b>\(Amount(total, currency: currency))</b>"),
                ("Available now", "\(Amount(available, currency: currency))"),
                ("Available then", "\(Amount(after, currency: currency))"),
            ], isCovered: isFree || !after.hasPrefix("-"))
    }

    private static func rest(_ amount: String, of available: String) throws -> String {
        let digits = available.split(separator: ".").dropFirst().first?.count ?? 0
        return try Money(parsing: available).subtracting(Money(parsing: amount)).decimal(minorUnitDigits: digits)
    }

    /// All that an order of the price pays: with an hourly term, what an hour costs from then on too.
    private static func pays(_ quote: Row) -> String {
        let hour = quote.optional("hourly_total").map { " and \($0) an hour" } ?? ""
        return quote["wholesale_total"] + hour
    }

    /// The price's address says what makes the order happen once, so that going back and pressing again orders nothing
    /// more.
    private static func confirmation(
        _ view: View, _ asked: [(name: String, value: String)], _ quote: Row
    ) -> Form {
        view.form(
            "POST /orders", said: .ordered, next: view.link("/orders/{id}"), once: view.visit.asked("once"),
            isButton: true
        ) {
            """
            \(each: asked + [(FormField.total, pays(quote))], { FormField.hidden($0.name, $0.value) })\
            \(Button("Order for \(Amount.grouped(quote["wholesale_total"])) \(quote["currency"])", .primary))
            """
        }
    }
}
