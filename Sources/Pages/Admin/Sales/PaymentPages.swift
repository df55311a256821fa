import CallKit
import HTML
import HTTPCore
import PageKit

/// Resellers' top-ups through the tenant's payment service (A6).
extension AdminPages {
    static let payments: [Page] = [
        Page("/payments", "Payments") { view in
            let found = try view.found("/payments", view.asked("status", "reseller", "cursor"))
            let names = try ResellerNames(of: found.rows, view)
            let resellers = try ResellerChoice(view).filter(view)
            let money = found.currency.map { "Amount, \($0)" } ?? "Amount"
            let table = DataTable(
                caption: "Payments, newest first",
                columns: [
                    Column("Payment", .id), Column("Reseller"), Column(money, .number), Column("State"),
                    Column("Service"), Column("Begun"), Column("Decided"),
                ],
                rows: found.rows.map { payment in
                    [
                        view.idLink("/payments", payment["id"]), names.link(payment["reseller"], view),
                        view.amount(payment, "amount"), "\(State(payment["status"]))", "\(payment["driver"])",
                        "\(view.ago(payment["created_at"]))", "\(view.ago(payment.text("decided_at")))",
                    ]
                },
                empty: view.nothing(
                    "No payments", "A reseller's top-up through your payment service is listed here.",
                    filters: ["status", "reseller"]),
                previous: view.first(), next: view.next(found.list))
            return PageContent(
                "Payments", sub: "Resellers' top-ups through your payment service.",
                """
                \(view.tabs("State", "status", [
                    ("All", nil, nil), ("Pending", "pending", nil), ("Confirmed", "confirmed", nil),
                    ("Failed", "failed", nil), ("Expired", "expired", nil),
                ]))\(view.filters("/payments", keeping: ["status"], [resellers]))\
                \(found.shown(table.html))
                """)
        },
        Page("/payments/{id}", "Payment") { view in
            let payment = try view.get("/payments/\(view.visit.parameter())")
            return one(payment, try ResellerNames(of: [payment], view), view)
        },
    ]

    private static func one(_ payment: Row, _ names: ResellerNames, _ view: View) -> PageContent {
        let differences = payment.rows("differences")
        let reports: HTML =
            differences.isEmpty
            ? ""
            : Panel("Reports that did not fit") {
                DataTable(
                    caption: "What the payment service reported otherwise",
                    columns: [Column("When"), Column("State"), Column("Amount", .number), Column("Currency")],
                    rows: differences.map { report in
                        [
                            "\(TimeText(report["at"]))", "\(State(report["status"]))", view.amount(report, "amount"),
                            "\(report.text("currency") ?? "")",
                        ]
                    }, empty: ""
                ).html
            }.html
        return PageContent(
            "Top-up of \(Amount.grouped(payment["amount"])) \(payment["currency"])",
            sub: """
                <a href="\(view.link("/payments"))">Payments</a> · <code>\(payment["id"])</code> · \
                \(State(payment["status"]))\(if: payment["mode"] == "test", " · test")
                """,
            """
            \(Panel("Payment") {
                Facts([
                    ("Reseller", names.link(payment["reseller"], view)), ("Service", "\(payment["driver"])"),
                    ("Order id", "<code>\(payment["order_id"])</code>"),
                    ("Its own reference", payment.text("provider_reference").map { "<code>\($0)</code>" }),
                    ("Failure", payment.text("failure").map { "\($0)" }),
                    ("Posting", payment.text("posting").map { "\($0)" }),
                    ("Begun", TimeText(payment["created_at"]).html), ("Expires", TimeText(payment["expires_at"]).html),
                    ("Decided", payment.text("decided_at").map { TimeText($0).html }),
                ]).html
            })\(reports)
            """)
    }
}
