import HTML
import HTTPCore
import PageKit

/// One service: whose it is, when it is paid next and what it was charged so far. A value: any thread.
struct ServiceView {
    let service: Row
    let charges: Row
    let names: ResellerNames
    /// What operators did about it; nil where the reader may not see that.
    let changes: HTML?
    let view: View

    private var id: String { service["id"] }
    private var state: String { service["status"] }
    private var currency: String { service["currency"] }

    var content: PageContent {
        PageContent(
            "\(service["product"]) for \(service["customer_external_id"])",
            sub: """
                <a href="\(view.link("/services"))">Services</a> · <code>\(id)</code> · \(State(state))\
                \(if: service["mode"] == "test", " · test")
                """,
            actions: actions,
            """
            \(pastDue)\(ending)<div class="cols wide"><div>\(periods)\(changes)</div>\
            <div>\(price)\(facts)\(details)</div></div>
            """)
    }

    // MARK: What can be done

    private var actions: HTML? {
        guard view.moves(service) else { return nil }
        let (isRunning, isOver) = (state == "active" || state == "past_due", state == "cancelled" || state == "pending")
        let ends = service.text("ends_at") != nil
        let resumes = state == "suspended" && view.may(.post, "/services/\(id)/resume")
        return """
            \(if: resumes, view.button("Resume", "POST /services/\(id)/resume", said: .resumed, .primary).html)\
            \(if: isRunning && view.may(.post, "/services/\(id)/suspend"),
                Button("Suspend", leadsTo: view.link("/services", id, "suspend")).html)\
            \(if: !isOver && ends && view.may(.delete, "/services/\(id)/cancel"),
                view.button("Let it renew", "DELETE /services/\(id)/cancel", said: .renews, .plain).html)\
            \(if: !isOver && view.may(.post, "/services/\(id)/cancel"),
                Button("Cancel", leadsTo: view.link("/services", id, "cancel")).html)
            """
    }

    private var pastDue: HTML? {
        guard let since = service.text("past_due_since") else { return nil }
        let next: HTML? = view.ago(service.text("next_try_at")).map { " It is tried next \($0)." }
        let end: HTML? = view.ago(service.text("suspends_at")).map { " It is suspended \($0)." }
        return Notice(
            .bad,
            """
            <p><b>Past due</b> since \(view.ago(since)): the balance of \(names.link(service["reseller"], view)) did not \
            cover \(Amount(service["renewal_amount"], currency: currency)).\(next)\(end) Whatever money comes pays it first.</p>
            """
        ).html
    }

    private var ending: HTML? {
        guard state != "cancelled", let end = service.text("ends_at") else { return nil }
        return Notice(.info, "<p>It ends \(view.ago(end)), and does not renew.</p>").html
    }

    // MARK: Money

    private var periods: Panel {
        let rows = charges.rows()
        let tones: [Tone] = rows.reversed().map { _ in .good } + (service.text("past_due_since") == nil ? [] : [.bad])
        let label =
            "\(rows.count) periods charged" + (service.text("past_due_since") == nil ? "" : ", the next past due")
        return Panel("Periods") {
            let table = DataTable(
                caption: "Periods that were charged, newest first",
                columns: [
                    Column("Period"), Column("From"), Column("Until"), Column("Amount, \(currency)", .number),
                    Column("Charged"),
                ],
                rows: rows.map { charge in
                    [
                        charge.int("period") == 0 ? "order" : "\(charge["period"])",
                        "\(charge.text("begins_at").map { TimeText($0) }?.html)",
                        "\(charge.text("ends_at").map { TimeText($0) }?.html)", view.amount(charge, "amount"),
                        "\(TimeText(charge["charged_at"]))",
                    ]
                },
                empty: Empty("Nothing charged yet", "Its first period begins when its order is carried out.").html,
                previous: view.first(), next: view.next(charges))
            return "\(if: !rows.isEmpty, "<p>\(Strip(tones, label: label))</p>")\(table)"
        }
    }

    private var price: Panel {
        let recorded = service["renewal_amount"]
        let today: HTML =
            switch service.text("amount_today") {
            case nil: #"<span class="sub">not sold to this reseller any more</span>"#
            case recorded?: "the same"
            case let other?: "<b>\(Amount(other, currency: currency))</b>"
            }
        let reprice: HTML? =
            view.may(.post, "/services/reprice") && state != "cancelled"
            ? Button(
                "Reprice",
                leadsTo: view.link(
                    "/services/reprice",
                    query: [
                        ("reseller", service["reseller"]), ("product", service["product"]), ("term", service["term"]),
                    ])
            ).html : nil
        return Panel("Price", actions: reprice) {
            Facts([
                ("Next period", "<b>\(Amount(recorded, currency: currency))</b>"), ("By today's price list", today),
                ("Term price", "\(Amount(service["term_price"], currency: currency))"),
                ("Discount", "\(service["discount_rate"]) %"),
                ("Renews", service.text("renews_at").map { "\(TimeText($0)) (\(view.ago($0)))" }),
            ]).html
        }
    }

    // MARK: The rest

    private var facts: Panel {
        Panel("Service") {
            Facts([
                ("Reseller", names.link(service["reseller"], view)),
                ("Customer", view.customerLink(of: service)),
                (
                    "Product",
                    #"<a href="\#(view.link("/products", service["product"]))"><code>\#(service["product"])</code></a>"#
                ), ("Order", view.idLink("/orders", service["order_id"])), ("Term", "\(service["term"])"),
                ("Ordered", "\(TimeText(service["created_at"]))"),
                ("Activated", service.text("activated_at").map { TimeText($0).html }),
                ("Suspended by", service.text("suspended_by").map { "\($0)" }),
                (
                    "Provisioning",
                    service.text("provisioning_state").map { State($0, tone: provisioningTone($0)).html }
                ),
            ]).html
        }
    }

    private var details: Panel {
        let change: HTML? =
            view.may(.patch, "/services/\(id)/details")
            ? Button("Change", leadsTo: view.link("/services", id, "details")).html : nil
        let items = service.row("details")?.members ?? []
        return Panel("Details", actions: change) {
            items.isEmpty
                ? #"<p class="sub">None: what the end customer needs can be written here.</p>"#
                : Facts(
                    items.map { item in
                        (
                            item.name,
                            item.value.bool("secret")
                                ? #"<span class="sub">set, and not shown</span>"# : "\(item.value["value"])"
                        )
                    }
                ).html
        }
    }
}
