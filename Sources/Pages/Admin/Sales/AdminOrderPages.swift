import CallKit
import HTML
import HTTPCore
import PageKit

/// Orders: who ordered what, what waits for a person, and where the money is (O10).
extension AdminPages {
    static let orderDownloads = [
        Download("/orders.csv", "/orders.csv", "Orders"), Download("/services.csv", "/services.csv", "Services"),
    ]

    static let orders: [Page] = [
        Page(inSteps: "/orders", "Orders") { view in try await orderList(view) },
        Page(inSteps: "/orders/{id}", "Order") { view in
            let id = view.visit.parameter()
            let order = try await view.get("/orders/\(id)")
            let audit = try await view.ask("/audit", [("order", id)])
            let names = try await ResellerNames(of: [order], view)
            return OrderView(order: order, audit: audit, names: names, view: view).content
        },
        Page(
            "/orders/{id}/activate", "Activate an order", asks: "POST /orders/{id}/activate",
            compose: DetailRows.compose
        ) { view in
            let order = try view.get("/orders/\(view.visit.parameter())")
            return decision(
                "Activate", order, view,
                """
                \(Amount(order.row("money")?["held"] ?? "", currency: order["currency"])) that are held are captured, and each unit's term \
                begins now.
                """
            ) {
                view.form(
                    "POST /orders/\(order["id"])/activate", said: .activated, next: view.link("/orders", order["id"])
                ) {
                    """
                    <p>What the end customer needs, the same for each unit. It may be left out, and added to each \
                    service later.</p>\(DetailRows.fields(view))\(actions(order, view, Button("Activate", .primary)))
                    """
                }
            }
        },
        Page("/orders/{id}/reject", "Reject an order", asks: "POST /orders/{id}/reject") { view in
            let order = try view.get("/orders/\(view.visit.parameter())")
            return decision(
                "Reject", order, view,
                """
                \(Amount(order.row("money")?["held"] ?? "", currency: order["currency"])) that are held go back to the reseller's balance, \
                and nothing is carried out. The reseller is told, with the reason.
                """
            ) {
                view.form(
                    "POST /orders/\(order["id"])/reject", said: .rejected, next: view.link("/orders", order["id"])
                ) {
                    """
                    \(view.field("Reason", "reason", hint: "The reseller reads it.", isRequired: false, size: .wide))\
                    \(actions(order, view, Button("Reject", .danger)))
                    """
                }
            }
        },
        Page("/orders/{id}/refund", "Refund an order", asks: "POST /orders/{id}/refund") { view in
            let order = try view.get("/orders/\(view.visit.parameter())")
            return refund(order, view)
        },
    ]

    // MARK: The list

    private static let orderFilters = ["q", "product", "reseller", "customer", "reference", "from", "to"]

    private static func nothingOrdered(_ view: SlowView) -> String {
        view.visit.has(dialect: "wholesale_orders")
            ? "Resellers place them by the partner API or in their portal."
            : "What this tenant sells needs none: its resellers' purchases stand with what they bought."
    }

    private static func orderList(_ view: SlowView) async throws -> PageContent {
        let query = (["state"] + orderFilters).map { ($0, view.visit.asked($0)) }
        let found = try await view.found(
            "/orders", query + [("cursor", view.visit.asked("cursor"))], looks: SlowView.looksMax)
        let waiting = try await view.ask("/attention")?.waiting("orders_pending", view)
        let names = try await ResellerNames(of: found.rows, view)
        let resellers = try await ResellerChoice(view).filter(view)
        let money = "Total, \(view.currency)"
        let table = DataTable(
            caption: "Orders, newest first",
            columns: [
                Column("Order", .id), Column("Reseller"), Column("Product"), Column("Customer"), Column(money, .number),
                Column("State"), Column("Placed"),
            ],
            rows: found.rows.map { line($0, names, view) },
            empty: view.visit.asked("state") == "pending" && !view.isFiltered(orderFilters)
                ? Empty("No orders wait", "Orders of products that are carried out by hand wait here for you.").html
                : view.nothing("No orders", nothingOrdered(view), filters: orderFilters),
            previous: view.first(), next: view.next(found.list))
        let export: HTML? =
            view.may(.get, "/orders.csv") ? Button("CSV", leadsTo: view.link("/orders.csv", query: query)).html : nil
        return PageContent(
            "Orders", actions: export,
            """
            \(view.tabs("State", "state", [
                ("All", nil, nil), ("Pending", "pending", waiting), ("Completed", "completed", nil),
                ("Rejected", "rejected", nil),
            ]))\(view.filters("/orders", keeping: ["state"], [
                view.filter("Begins with", "q"), view.filter("Product", "product"), resellers,
                view.filter("Customer", "customer", hint: "Its whole id"),
                view.filter("Reference", "reference", hint: "All of it"),
                view.filter("From", "from", .moment), view.filter("Before", "to", .moment),
            ]))\(found.shown(table.html))
            """)
    }

    private static func line(_ order: Row, _ names: ResellerNames, _ view: some PageView) -> [HTML] {
        let reference: HTML? = order.text("reference").map { #" <span class="sub">\#(view.cut($0))</span>"# }
        let (ready, rejected) = (order.int("ready_units"), order.int("rejected_units"))
        let isParted = order["state"] == "pending" ? ready + rejected > 0 : ready > 0 && rejected > 0
        let units: HTML? =
            isParted ? #" <span class="sub">\#(ready) ready, \#(rejected) rejected</span>"# : nil
        return [
            "\(view.idLink("/orders", order["id"]))\(reference)", names.link(order["reseller"], view),
            """
            \(order["quantity"]) × <code>\(order["product"])</code> <span class="sub">\(order["term"])</span>
            """,
            view.customerLink(of: order), view.amount(order, "wholesale_total"),
            "\(State(order["state"]))\(units)", "\(view.ago(order["created_at"]))",
        ]
    }

    // MARK: Decisions

    /// A page that decides a pending order: what happens, and the form.
    private static func decision(
        _ verb: String, _ order: Row, _ view: View, _ sentence: HTML, _ form: () -> Form
    ) -> PageContent {
        let title = "\(verb) an order"
        let sub: HTML = "\(view.idLink("/orders", order["id"]))"
        guard order["state"] == "pending" else {
            return PageContent(
                title, sub: sub,
                """
                \(Notice(.info, "<p>The order is \(order["state"]): there is nothing to decide any more.</p>"))\
                <p>\(Button("To the order", leadsTo: view.link("/orders", order["id"])))</p>
                """)
        }
        return PageContent(
            title, sub: sub,
            """
            \(Panel("\(order["quantity"]) × \(order["product"])") { "<p>\(sentence)</p>\(form())" })
            """)
    }

    private static func actions(_ order: Row, _ view: View, _ button: Button) -> HTML {
        """
        <div class="actions">\(button)\(Button("Cancel", .quiet, leadsTo: view.link("/orders", order["id"])))</div>
        """
    }

    // MARK: Refunds

    private static func refund(_ order: Row, _ view: View) -> PageContent {
        let left = order.row("money")?["refundable"] ?? ""
        let units =
            [FormField.Option("", "The whole order")]
            + order.rows("services").map { FormField.Option($0["id"], "\($0["id"]) (\($0["status"]))") }
        let form = view.form(
            "POST /orders/\(order["id"])/refund", said: .refunded, next: view.link("/orders", order["id"])
        ) {
            """
            \(view.field("Amount", "amount", .decimal, value: left, unit: order["currency"], size: .short))\
            \(view.field("Reason", "reason", hint: "The reseller reads it on its statement.", size: .wide))\
            \(view.field("Unit", "service", .select(units), isRequired: false))\
            \(view.field("Period", "period", .number, hint: "Of that unit: 0 is what the order itself paid.",
                isRequired: false, size: .short))\
            \(actions(order, view, Button("Refund", .danger)))
            """
        }
        return PageContent(
            "Refund an order", sub: "\(view.idLink("/orders", order["id"]))",
            """
            \(Panel("\(order["quantity"]) × \(order["product"])") {
                """
                <p>It goes to the reseller's balance, never more than was captured. At most \
                \(Amount(left, currency: order["currency"])) \
                can still be paid back.</p>\(form)
                """
            })
            """)
    }
}
