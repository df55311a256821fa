import CallKit
import HTML
import HTTPCore
import PageKit

/// What provisioners are asked for, and what waits for a person (W13).
extension AdminPages {
    static let queue: [Page] = [
        Page("/queue", "Provisioning") { view in
            let found = try view.found("/provisioning/queue", view.asked("state", "cursor"))
            let stuck = try view.ask("/attention")?.waiting("provisioning_stuck", view)
            let names = try ResellerNames(of: found.rows, view)
            let table = DataTable(
                caption: "What provisioners are asked for, oldest unit first",
                columns: [
                    Column("Service", .id), Column("Product"), Column("Reseller"), Column("Asked for"),
                    Column("Tries", .number),
                    Column("Since"), Column("Last answer"), Column("Actions", .buttons),
                ],
                rows: found.rows.map { line($0, names, view) },
                empty: view.visit.asked("state") == "stuck"
                    ? Empty("Nothing waits for a person").html
                    : Empty(
                        "Nothing is under way",
                        "Units that a provisioner makes are listed here until they are done."
                    )
                    .html,
                previous: view.first(), next: view.next(found.list))
            return PageContent(
                "Provisioning", sub: "What provisioners are asked for, again and again under one id until they answer.",
                """
                \(view.tabs("State", "state", [("Under way", nil, nil), ("For a person", "stuck", stuck)]))\(found.shown(table.html))
                """)
        },
        Page(
            "/queue/{service}/confirm", "Confirm by hand", asks: "POST /provisioning/{service}/confirm",
            compose: DetailRows.compose
        ) { view in
            let service = try view.get("/services/\(view.visit.parameter())")
            return decision(
                "Confirm by hand", service, view,
                """
                Say that what was asked for is done over there. A unit that was to be created is paid for and begins now, \
                with these details for its end customer.
                """
            ) {
                view.form("POST /provisioning/\(service["id"])/confirm", said: .confirmed, next: view.link("/queue")) {
                    "\(DetailRows.fields(view))\(actions(view, Button("Confirm", .primary)))"
                }
            }
        },
        Page("/queue/{service}/give-up", "Give up", asks: "POST /provisioning/{service}/give_up") { view in
            let service = try view.get("/services/\(view.visit.parameter())")
            return decision(
                "Give up", service, view,
                """
                A unit that was to be created is paid back, its reseller is told why, and the provisioner is asked to take \
                away what it may have made. Anything else is left as it is.
                """
            ) {
                view.form("POST /provisioning/\(service["id"])/give_up", said: .ended, next: view.link("/queue")) {
                    """
                    \(view.field("Reason", "reason", hint: "The reseller reads it.", size: .wide))\
                    \(actions(view, Button("Give up", .danger)))
                    """
                }
            }
        },
    ]

    private static func line(_ unit: Row, _ names: ResellerNames, _ view: View) -> [HTML] {
        let service = unit["service"]
        let answer: HTML? = unit.text("last_outcome").map { outcome in
            let status: HTML? = unit.text("last_status").map { " <code>\($0)</code>" }
            let text: HTML? = unit.text("last_answer").map { #" <span class="sub">\#(view.cut($0))</span>"# }
            return "\(outcome)\(status)\(text)"
        }
        let next: HTML? = unit.text("next_at").map { #" <span class="sub">again \#(view.ago($0))</span>"# }
        let isAsked = unit.text("verb") != nil
        let acts: HTML? =
            isAsked && view.moves(unit) && view.may(.post, "/provisioning/\(service)/retry")
            ? """
            <div class="actions">\
            \(view.button("Retry now", "POST /provisioning/\(service)/retry", said: .retried, .plain))\
            \(Button("Confirm", leadsTo: view.link("/queue", service, "confirm")))\
            \(Button("Give up", leadsTo: view.link("/queue", service, "give-up")))</div>
            """ : nil
        return [
            """
            \(view.idLink("/services", service, of: unit["mode"])) <span class="sub">of</span> \
            \(view.idLink("/orders", unit["order"], of: unit["mode"]))
            """,
            "<code>\(unit["product"])</code>", names.link(unit["reseller"], view),
            """
            \(unit.text("verb") ?? "") \(State(unit["state"], tone: provisioningTone(unit["state"])))
            """, "\(unit["tries"])",
            "\(view.ago(unit["since"]))\(next)", "\(answer)", "\(acts)",
        ]
    }

    private static func decision(
        _ title: String, _ service: Row, _ view: View, _ sentence: HTML, _ form: () -> Form
    ) -> PageContent {
        PageContent(
            title, sub: view.idLink("/services", service["id"]),
            """
            \(Panel("\(service["product"]) for \(service["customer_external_id"])") { "<p>\(sentence)</p>\(form())" })
            """)
    }

    private static func actions(_ view: View, _ button: Button) -> HTML {
        """
        <div class="actions">\(button)\(Button("Back", .quiet, leadsTo: view.link("/queue")))</div>
        """
    }
}
