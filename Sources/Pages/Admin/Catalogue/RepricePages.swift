import CallKit
import HTML
import HTTPCore
import PageKit

/// Another price for services from their next period on, seen before it is applied (W9).
extension AdminPages {
    static let repricing: [Page] = [
        Page(
            "/services/reprice", "Reprice services", asks: "POST /services/reprice",
            afterwardsReading: { view, call, row in
                row.bool("dry_run") ? preview(call, row, view) : applied(row, view)
            }
        ) { view in
            let resellers = try ResellerChoice(view)
            let terms = ["", "monthly", "quarterly", "semi_annual", "annual", "hourly"]
            let form = view.form("POST /services/reprice", said: .applied) {
                """
                \(FormField.hidden("dry_run", "true"))\
                \(resellers.field("Reseller", none: "All resellers", hint: "Its id; none: services of all resellers.",
                    value: view.visit.asked("reseller"), view))\
                \(view.field("Product", "product", value: view.visit.asked("product"),
                    hint: "Its sku; none: all products.", isRequired: false))\
                \(view.field("Term", "term", .select(terms.map { FormField.Option($0, $0.isEmpty ? "All terms" : $0) }),
                    value: view.visit.asked("term"), isRequired: false))\
                \(view.field("New term price", "price", .decimal, unit: view.currency,
                    hint: "Before the discount that is recorded with each service.", size: .short))\
                <div class="actions">\(Button("Preview", .primary))\
                \(Button("Back", .quiet, leadsTo: view.link("/services")))</div>
                """
            }
            return PageContent(
                "Reprice services", sub: #"<a href="\#(view.link("/services"))">Services</a>"#,
                """
                \(Panel("Which services, and what they cost") {
                    """
                    <p>A service renews at the price that is recorded with it: a change of the price list does not touch \
                    it. This does, from its next period on. Its reseller is told.</p>\(form)
                    """
                })
                """)
        }
    ]

    private static func preview(_ call: FormCall, _ row: Row, _ view: View) -> PageContent {
        let asked = Row((try? JSON.parse(call.body)) ?? .null)
        let count = row.int("count")
        let form = view.form("POST /services/reprice", said: .applied) {
            """
            \(each: ["reseller", "product", "term", "price"], { name in
                asked.optional(name).map { FormField.hidden(name, $0) } ?? ""
            })\(FormField.hidden("dry_run", "false"))\
            <div class="actions">\(Button("Reprice \(Figure.counted(count, "service", "services"))", .primary))\
            \(Button("Cancel", .quiet, leadsTo: view.visit.here()))</div>
            """
        }
        return PageContent(
            "Reprice services", sub: #"<a href="\#(view.link("/services"))">Services</a>"#,
            """
            \(Panel("What it means") {
                count == 0
                    ? Empty("Nothing changes", "No running service has another price than this.",
                        actions: "\(Button("Back", leadsTo: view.visit.here()))").html
                    : "<p>\(repriced(count))</p>\(list(row, view))\(form)"
            })
            """)
    }

    private static func repriced(_ count: Int) -> String {
        count == 1
            ? "1 service costs another price from its next period on."
            : "\(Figure.grouped(count)) services cost another price from their next period on."
    }

    private static func applied(_ row: Row, _ view: View) -> PageContent {
        PageContent(
            "Reprice services", sub: #"<a href="\#(view.link("/services"))">Services</a>"#,
            """
            \(Notice(.good, "<p>\(repriced(row.int("count")))</p>"))\
            \(Panel("Repriced") { list(row, view).html })
            """)
    }

    private static func list(_ row: Row, _ view: some PageView) -> DataTable {
        let shown = row.rows("services")
        let rest = row.int("count") - shown.count
        return DataTable(
            caption: rest > 0 ? "The first \(shown.count) services" : "Services",
            columns: [
                Column("Service", .id), Column("Product"), Column("Term"), Column("Price, \(row["currency"])", .number),
                Column("From period", .number),
            ],
            rows: shown.map { service in
                let (old, new) = (Amount.grouped(service["old_price"]), Amount.grouped(service["new_price"]))
                return [
                    view.idLink("/services", service["id"]), "<code>\(service["product"])</code>",
                    "\(service["term"])", "<del>\(old)</del> <ins>\(new)</ins>",
                    "\(service["from_period"])",
                ]
            }, empty: "", isCaptionSeen: rest > 0)
    }
}
