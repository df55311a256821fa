import CallKit
import HTML
import HTTPCore
import PageKit

/// Services: what runs, until when, and what it costs (W5, W9).
extension PortalPages {
    static let services: [Page] = [
        Page(inSteps: "/services", "Services") { view in
            let account = try await view.get("/account")
            let found = try await view.found(
                "/services", view.asked("status", "customer", "order", "cursor") + [("limit", "50")],
                looks: SlowView.looksMax)
            let tabs: [(String, String?)] = [
                ("Not cancelled", nil), ("Active", "active"), ("Past due", "past_due"), ("Suspended", "suspended"),
                ("Pending", "pending"), ("Cancelled", "cancelled"),
            ]
            let state = tabs.first { $0.1 == view.visit.asked("status") }?.0
            return PageContent(
                state.map { $0 == "Not cancelled" ? "Services" : "\($0) services" } ?? "Services",
                """
                \(view.standing(account))\(Tabs("State", tabs.map { title, state in
                    Tabs.Tab(
                        title, view.visit.here([("status", state), ("cursor", nil)]),
                        isCurrent: view.visit.asked("status") == state)
                }))\(filters(view))\(found.shown(serviceTable(found.rows, view, of: found.list).html))
                """)
        },
        Page("/services/{id}", "Service") { view in
            try oneService(try view.get("/services/\(view.visit.segment())"), view)
        },
        Page("/services/{id}/cancel", "Cancel a service") { view in
            cancelling(try view.get("/services/\(view.visit.segment())"), view)
        },
    ]

    private static func filters(_ view: some PageView) -> HTML {
        Form.get(view.link("/services"), keeping: view.kept("status")) {
            """
            \(FormField(
                "Customer", name: "customer", kind: .search, value: view.visit.asked("customer"),
                hint: "Your whole id of it", isRequired: false))\
            \(FormField("Order", name: "order", kind: .search, value: view.visit.asked("order"), isRequired: false))\
            <div class="actions">\(Button("Filter"))\(view.clear(["customer", "order"]))</div>
            """
        }
    }

    /// `list`: whose page they are; nil for those of one thing, on its page.
    static func serviceTable(_ services: [Row], _ view: some PageView, of list: Row? = nil) -> DataTable {
        let isFiltered = ["status", "customer", "order"].contains { view.visit.asked($0) != nil }
        let empty =
            list == nil
            ? Empty("No services", "They are there once the order is set up.")
            : isFiltered
                ? Empty(
                    "No service matches", "Look for another state, customer or order.",
                    actions: Button("All services", leadsTo: view.link("/services")).html)
                : Empty(
                    "No services yet", "Each unit that you order is a service.",
                    actions: view.may(.post, "/orders")
                        ? Button("Order", .primary, leadsTo: view.link("/orders/new")).html : nil)
        return DataTable(
            caption: "Services, newest first",
            columns: [
                Column("Service", .id), Column("Product"), Column("Customer"), Column("Renews"),
                Column("Price, \(view.currency)", .number),
                Column("State"), Column("What to do", .buttons),
            ],
            rows: services.map { service in
                [
                    view.idLink("/services", service["id"]), "\(service["product"])",
                    "\(service["customer_external_id"])", renewal(service, view),
                    price(service), "\(State(service["status"]))", pay(service, view),
                ]
            }, empty: empty.html, previous: list.flatMap { _ in view.first() },
            next: list.flatMap { view.next($0) })
    }

    /// What a term costs, and the discount that comes off it.
    private static func price(_ service: Row) -> HTML {
        let rate = service["discount_rate"]
        let discount: HTML = #"<br><span class="sub">less \#(rate) %</span>"#
        return "\(Amount(service["term_price"])) \(Word.each(service["term"]))\(if: rate != "0", discount)"
    }

    private static func renewal(_ service: Row, _ view: some PageView) -> HTML {
        if let ends = service.text("ends_at") {
            return "\(service["status"] == "cancelled" ? "Ended" : "Ends") \(view.when(ends))"
        }
        if let late = service.text("past_due_since") { return "Past due \(view.when(late))" }
        return view.when(service.text("renews_at"))
    }

    /// Paying now what is past due: nothing where nothing is.
    private static func pay(_ service: Row, _ view: some PageView) -> HTML {
        let id = service["id"]
        guard service.text("past_due_since") != nil, view.may(.post, "/services/\(id)/pay") else { return "" }
        return view.button("Pay now", "POST /services/\(id)/pay", said: .paid, .plain).html
    }

    // MARK: One service

    private static func oneService(_ service: Row, _ view: View) throws -> PageContent {
        let id = service["id"]
        let hasDiscount = service["discount_rate"].contains { $0 != "0" && $0 != "." }
        let hasEnded = service["status"] == "cancelled"
        let facts = Facts([
            ("State", "\(State(service["status"])) \(Word.service(service["status"]))"),
            (
                "Why",
                service.text("suspended_by").map {
                    $0 == "unpaid" ? "A renewal was not paid." : "\(service["suspended_by"])"
                }
            ),
            ("Product", "\(service["product"])"),
            (
                "Customer",
                view.row(
                    service["customer_external_id"],
                    view.link("/services", query: [("customer", service["customer_external_id"])]))
            ),
            ("Order", view.idLink("/orders", service["order_id"])),
            (
                "Price",
                """
                \(Amount(service["term_price"], currency: view.currency)) \(Word.each(service["term"]))\
                \(if: hasDiscount, ", less \(service["discount_rate"]) %")
                """
            ),
            ("Since", view.when(service.text("activated_at"))),
            ("Renews", hasEnded ? nil : service.text("renews_at").map { view.when($0) }),
            (hasEnded ? "Ended" : "Ends", service.text("ends_at").map { view.when($0) }),
            ("Past due", service.text("past_due_since").map { view.when($0) }),
            ("Being set up", service.optional("provisioning_state").map { "\(State($0))" }),
        ])
        let details = service.row("details")?.members ?? []
        return PageContent(
            "Service \(service["product"])",
            sub: "\(view.row("Services", view.link("/services"))) · <code>\(id)</code> · \(State(service["status"]))",
            actions: actions(service, view),
            """
            \(view.standing(try view.get("/account")))\(Panel("What it is") { facts.html })
            \(if: !details.isEmpty, "\(Panel("How it is reached") { credentials(details) })")
            """)
    }

    private static func credentials(_ details: [(name: String, value: Row)]) -> HTML {
        """
        <dl class="facts">\(each: details.enumerated(), { index, detail in
            let box = CopyBox(text(detail.value), id: "detail-\(index)", label: detail.name).html
            let isSecret = detail.value.optional("secret") == "true"
            let value: HTML = isSecret ? "<details><summary class=\"button\">Show</summary>\(box)</details>" : box
            return "<div><dt>\(detail.name)</dt><dd>\(value)</dd></div>"
        })</dl>
        """
    }

    /// A detail is an object of its value and whether that is secret; an older one is the value itself.
    private static func text(_ value: Row) -> String {
        if let own = value.optional("value") { return own }
        return value.value.isEmpty ? String(decoding: value.json.encoded(), as: UTF8.self) : value.value
    }

    private static func actions(_ service: Row, _ view: View) -> HTML? {
        let id = service["id"]
        let mayEnd = view.may(.post, "/services/\(id)/cancel") && service["status"] != "cancelled"
        let again: HTML? =
            mayEnd && service.text("ends_at") != nil
            ? view.button("Renew after all", "DELETE /services/\(id)/cancel", said: .undone, .plain).html : nil
        let end: HTML? =
            mayEnd && service.text("ends_at") == nil
            ? Button("Cancel…", leadsTo: view.link("/services", id, "cancel")).html : nil
        return "\(pay(service, view))\(again)\(end)"
    }

    /// What will happen, before it does.
    private static func cancelling(_ service: Row, _ view: View) -> PageContent {
        let id = service["id"]
        let isLate = service.text("past_due_since") != nil
        let end: HTML =
            isLate
            ? "<p>It is past due, so it ends <b>at once</b>. The period that was not paid is not owed.</p>"
            : """
            <p>It runs until its paid term is over, \(view.when(service.text("renews_at"))), and does not renew. Nothing is given \
            back. Until then you can take it back.</p>
            """
        let may = view.may(.post, "/services/\(id)/cancel")
        return PageContent(
            "Cancel this service?",
            sub: "<code>\(id)</code> \(service["product"]) for \(service["customer_external_id"])",
            """
            \(Panel("What happens") {
                """
                \(end)<div class="actions">\(if: may, view.form(
                    "POST /services/\(id)/cancel", said: .cancelled, next: view.link("/services", id), isButton: true
                ) { "\(Button("Cancel the service", .danger))" }.html)\
                \(Button("Keep it", .quiet, leadsTo: view.link("/services", id)))</div>
                """
            })
            """)
    }
}
