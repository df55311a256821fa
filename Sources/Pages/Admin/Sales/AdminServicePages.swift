import CallKit
import HTML
import HTTPCore
import PageKit

/// Services: what resellers' customers use, when it is paid next, and what an operator does about it (O10, W9).
extension AdminPages {
    static let services: [Page] = [
        Page(inSteps: "/services", "Services") { view in try await serviceList(view) },
        Page(inSteps: "/services/{id}", "Service") { view in
            let id = view.visit.parameter()
            let changes = try await ChangesPart([("object", id)], view)?.html
            return try await view.reading { view in
                let service = try view.get("/services/\(id)")
                let charges = try view.get("/services/\(id)/charges", [("cursor", view.visit.asked("cursor"))])
                return ServiceView(
                    service: service, charges: charges, names: try ResellerNames(of: [service], view),
                    changes: changes, view: view
                ).content
            }
        },
        Page("/services/{id}/suspend", "Suspend a service", asks: "POST /services/{id}/suspend") { view in
            let service = try view.get("/services/\(view.visit.parameter())")
            return move(
                "Suspend", service, isOpen: ["active", "past_due"].contains(service["status"]), view,
                """
                What its end customer uses stops: its provisioner is told, where it has one. An hourly service is charged \
                up to now, and its hours stop. A term runs on: resuming it charges what has come due meanwhile.
                """
            ) {
                view.form(
                    "POST /services/\(service["id"])/suspend", said: .suspended,
                    next: view.link("/services", service["id"])
                ) { actions(service, view, Button("Suspend", .danger)) }
            }
        },
        Page("/services/{id}/cancel", "Cancel a service", asks: "POST /services/{id}/cancel") { view in
            let service = try view.get("/services/\(view.visit.parameter())")
            return move(
                "Cancel", service, isOpen: !["pending", "cancelled"].contains(service["status"]), view,
                "Nothing is paid back by this. A refund is made on the page of its order."
            ) {
                let until = service.text("renews_at").map { TimeText.day($0) }
                let whens = [
                    FormField.Option(
                        "term_end", "At the end of its term",
                        about: "It runs until \(until ?? "its paid end"), and can be taken back until then."),
                    FormField.Option("now", "Now", about: "It ends at once, for good."),
                ]
                return view.form(
                    "POST /services/\(service["id"])/cancel", said: .cancelled,
                    next: view.link("/services", service["id"])
                ) {
                    """
                    \(view.field("When", "at", .radios(whens), value: "term_end"))\
                    \(actions(service, view, Button("Cancel the service", .danger)))
                    """
                }
            }
        },
        Page(
            "/services/{id}/details", "Details of a service", asks: "PATCH /services/{id}/details",
            compose: DetailRows.compose
        ) { view in
            let service = try view.get("/services/\(view.visit.parameter())")
            return details(service, view)
        },
    ]

    // MARK: The list

    private static let serviceFilters = ["q", "product", "reseller", "customer", "reference", "order", "from", "to"]

    private static func serviceList(_ view: SlowView) async throws -> PageContent {
        let query = (["state"] + serviceFilters).map { ($0, view.visit.asked($0)) }
        let found = try await view.found(
            "/services", query + [("cursor", view.visit.asked("cursor"))], looks: SlowView.looksMax)
        let late = try await view.ask("/attention")?.waiting("services_past_due", view)
        let names = try await ResellerNames(of: found.rows, view)
        let resellers = try await ResellerChoice(view).filter(view)
        let table = DataTable(
            caption: "Services, newest first",
            columns: [
                Column("Service", .id), Column("Reseller"), Column("Product"), Column("Customer"),
                view.money("Term price"), Column("State"), Column("Renews"),
            ],
            rows: found.rows.map { line($0, names, view) },
            empty: view.nothing(
                "No services", "Each unit of an order that is carried out is one.", filters: serviceFilters),
            previous: view.first(), next: view.next(found.list))
        let export: HTML? =
            view.may(.get, "/services.csv")
            ? Button("CSV", leadsTo: view.link("/services.csv", query: query)).html : nil
        let reprice: HTML? =
            view.may(.post, "/services/reprice")
            ? Button(
                "Reprice",
                leadsTo: view.link("/services/reprice", query: view.asked("reseller", "product"))
            ).html : nil
        return PageContent(
            "Services", actions: "\(reprice)\(export)",
            """
            \(view.tabs("State", "state", [
                ("Running", nil, nil), ("Active", "active", nil), ("Past due", "past_due", late),
                ("Suspended", "suspended", nil), ("Pending", "pending", nil), ("Cancelled", "cancelled", nil),
            ]))\(view.filters("/services", keeping: ["state"], [
                view.filter("Begins with", "q"), view.filter("Product", "product"), resellers,
                view.filter("Customer", "customer", hint: "Its whole id"), view.filter("Order", "order"),
                view.filter("From", "from", .moment), view.filter("Before", "to", .moment),
            ]))\(found.shown(table.html))
            """)
    }

    private static func line(_ service: Row, _ names: ResellerNames, _ view: some PageView) -> [HTML] {
        let since: HTML? = service.text("past_due_since").map { #" <span class="sub">since \#(view.ago($0))</span>"# }
        let end = service["status"] == "cancelled" ? "ended" : "ends"
        let ends: HTML? = service.text("ends_at").map { #"<span class="sub">\#(end)</span> \#(view.ago($0))"# }
        return [
            view.idLink("/services", service["id"]), names.link(service["reseller"], view),
            "<code>\(service["product"])</code> <span class=\"sub\">\(service["term"])</span>",
            view.customerLink(of: service), view.amount(service, "term_price"),
            "\(State(service["status"]))\(since)", ends ?? "\(view.ago(service.text("renews_at")))",
        ]
    }

    // MARK: Moves

    /// `isOpen`: whether a service in its state can be moved so.
    private static func move(
        _ verb: String, _ service: Row, isOpen: Bool, _ view: View, _ sentence: HTML, _ form: () -> Form
    ) -> PageContent {
        guard isOpen else {
            return PageContent(
                "\(verb) a service", sub: view.idLink("/services", service["id"]),
                """
                \(Notice(.info, "<p>The service is \(service["status"].spaced): there is nothing to do here.</p>"))\
                <p>\(Button("To the service", leadsTo: view.link("/services", service["id"])))</p>
                """)
        }
        return PageContent(
            "\(verb) a service", sub: view.idLink("/services", service["id"]),
            """
            \(Panel("\(service["product"]) for \(service["customer_external_id"])") { "<p>\(sentence)</p>\(form())" })
            """)
    }

    private static func actions(_ service: Row, _ view: View, _ button: Button) -> HTML {
        """
        <div class="actions">\(button)\(Button("Back", .quiet, leadsTo: view.link("/services", service["id"])))</div>
        """
    }

    /// Names that are there are named; their values are only ever written.
    private static func details(_ service: Row, _ view: View) -> PageContent {
        let names = service.row("details")?.members.map(\.name) ?? []
        let form = view.form(
            "PATCH /services/\(service["id"])/details", next: view.link("/services", service["id"])
        ) {
            """
            \(DetailRows.fields(view, names: names))\(actions(service, view, Button("Save", .primary)))
            """
        }
        return PageContent(
            "Details of a service", sub: view.idLink("/services", service["id"]),
            """
            \(Panel("What the end customer needs") {
                """
                <p>A value that is set is not shown here. An empty one leaves it as it is; “Remove” takes the name away.</p>\
                \(form)
                """
            })
            """)
    }
}
