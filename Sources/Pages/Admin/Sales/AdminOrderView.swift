import CallKit
import HTML
import HTTPCore
import PageKit

/// One order: its units and their money, what was paid back, and who did what about it. A value: any thread.
struct OrderView: Sendable {
    let order: Row
    /// The calls that named it; nil where the reader may not see them.
    let audit: Row?
    let names: ResellerNames
    let view: SlowView

    private var id: String { order["id"] }
    private var money: Row? { order.row("money") }

    var content: PageContent {
        PageContent(
            "\(order["quantity"]) × \(order["product"])",
            sub: """
                <a href="\(view.link("/orders"))">Orders</a> · <code>\(id)</code> · \(State(order["state"]))\
                \(if: order["mode"] == "test", " · test")
                """,
            actions: actions,
            """
            \(waits)<div class="cols wide"><div>\(units)\(refunds)\(timeline)</div><div>\(sums)\(facts)</div></div>
            """)
    }

    private var actions: HTML? {
        guard view.moves(order) else { return nil }
        let isPending = order["state"] == "pending"
        let decides = isPending && view.may(.post, "/orders/\(id)/activate")
        let refunds =
            !isPending && money.map { isMoney($0["refundable"]) } ?? false && view.may(.post, "/orders/\(id)/refund")
        return """
            \(if: decides, Button("Activate", .primary, leadsTo: view.link("/orders", id, "activate")).html)\
            \(if: decides, Button("Reject", leadsTo: view.link("/orders", id, "reject")).html)\
            \(if: refunds, Button("Refund", leadsTo: view.link("/orders", id, "refund")).html)
            """
    }

    private func isMoney(_ text: String) -> Bool { text.contains { ("1"..."9").contains($0) } }

    private var waits: HTML? {
        guard order["state"] == "pending" else {
            return order.text("reason").map { Notice(.info, "<p>Reason: \($0)</p>").html }
        }
        let held = money?["held"] ?? ""
        return Notice(.warn, "<p>\(Amount(held, currency: order["currency"])) are held until it is decided.</p>").html
    }

    private var units: Panel {
        let units = order.rows("services")
        let isProvisioned = units.contains { $0.text("provisioning_state") != nil }
        return Panel("Units") {
            DataTable(
                caption: "Units of the order",
                columns: [Column("Service", .id), Column("State")] + (isProvisioned ? [Column("Provisioning")] : [])
                    + [view.money("Share"), Column("Money"), Column("Renews")],
                rows: units.map { unit in
                    let provisioning = unit.text("provisioning_state").map {
                        State($0, tone: provisioningTone($0)).html
                    }
                    return [view.idLink("/services", unit["id"]), "\(State(unit["status"]))"]
                        + (isProvisioned ? ["\(provisioning)"] : [])
                        + [
                            view.amount(unit, "share"), "\(State(unit["money"], tone: moneyTone(unit["money"])))",
                            renews(unit),
                        ]
                },
                empty: Empty("No units").html
            ).html
        }
    }

    /// When a unit is paid next, or its end; nothing of one that never ran.
    private func renews(_ unit: Row) -> HTML {
        if order["state"] == "rejected" { return "" }
        guard let end = unit.text("ends_at") else { return "\(view.ago(unit.text("renews_at")))" }
        return "\(unit["status"] == "cancelled" ? "ended" : "ends") \(view.ago(end))"
    }

    private func moneyTone(_ word: String) -> Tone { word == "captured" ? .good : word == "held" ? .warn : .quiet }

    private var refunds: HTML? {
        let rows = order.rows("refunds")
        if rows.isEmpty { return nil }
        return Panel("Refunds") {
            DataTable(
                caption: "Refunds of the order",
                columns: [
                    Column("Refund", .id), view.money("Amount"), Column("Of"), Column("Reason"), Column("When"),
                    Column("By"),
                ],
                rows: rows.map { refund in
                    let period = refund.text("period").map { ", period \($0)" } ?? ""
                    return [
                        "<code>\(refund["id"])</code>", view.amount(refund, "amount"),
                        "\(refund.text("service_id") ?? "the order")\(period)", "\(refund["reason"])",
                        "\(view.ago(refund["refunded_at"]))", "\(refund["refunded_by"])",
                    ]
                }, empty: ""
            ).html
        }.html
    }

    private var sums: Panel {
        Panel("Money") {
            let names = [
                ("Held", "held"), ("Captured", "captured"), ("Given back", "voided"), ("Renewed since", "renewed"),
                ("Refunded", "refunded"), ("Can be refunded", "refundable"),
            ]
            return Facts(
                names.map { name, member in
                    let isSaid = member == "captured" || money.map { isMoney($0[member]) } ?? false
                    return (name, isSaid ? money.map { Amount($0[member], currency: order["currency"]).html } : nil)
                }
            ).html
        }
    }

    private var facts: Panel {
        Panel("Order") {
            Facts([
                ("Reseller", names.link(order["reseller"], view)),
                (
                    "Product",
                    #"<a href="\#(view.link("/products", order["product"]))"><code>\#(order["product"])</code></a>"#
                ),
                ("Term", "\(order["term"])"), ("Quantity", "\(order["quantity"])"),
                ("Term price", "\(Amount(order["line_total"], currency: order["currency"]))"),
                ("Setup", "\(Amount(order["setup_total"], currency: order["currency"]))"),
                ("Total", "<b>\(Amount(order["wholesale_total"], currency: order["currency"]))</b>"),
                ("Customer", view.customerLink(of: order)),
                ("Reference", order.text("reference").map { "\($0)" }),
                ("Placed", "\(TimeText(order["created_at"]))"),
                ("Decided", order.text("decided_at").map { "\(TimeText($0))" }),
                ("Ready", "\(order["ready_units"]) of \(order["quantity"])"),
                ("Rejected", order.int("rejected_units") > 0 ? "\(order["rejected_units"])" : nil),
            ]).html
        }
    }

    private var timeline: HTML? {
        guard let audit else { return nil }
        let more = Button("Audit log", leadsTo: view.link("/audit", query: [("order", id)]))
        return Timeline(audit.rows(), "Timeline", more: more.html, view).html
    }
}

func provisioningTone(_ word: String) -> Tone {
    switch word {
    case "active", "terminated", "suspended": .good
    case "stuck", "orphan", "failed": .bad
    default: .info
    }
}
