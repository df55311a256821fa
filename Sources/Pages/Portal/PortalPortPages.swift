import CallKit
import HTML
import HTTPCore
import PageKit

/// Ports: the list, buying one, and what one is (X4, X5). What takes money says beforehand how much.
extension PortalPages {
    static let portsAPI = "/v1"

    static let ports: [Page] = [
        Page("/ports", "Ports") { view in try portList(view) },
        Page("/ports/new", "New port") { view in try newPort(view) },
        Page("/ports/quote", "Confirm the port") { view in try quotedPort(view) },
        Page("/ports/{id}", "Port") { view in try port(view) },
        Page("/ports/{id}/renew", "Renew a port") { view in try quotedRenewal(view) },
    ]

    /// Where a port is bought; nil for whoever may not.
    static func newPortButton(_ view: View, customer: String?) -> HTML? {
        guard view.may(.post, "/reseller/ports", of: portsAPI) else { return nil }
        let form = view.link("/ports/new", query: [("customerId", customer)])
        return Button("New port", .primary, leadsTo: form).html
    }

    private static func portList(_ view: View) throws -> PageContent {
        let filters = ["status", "customerId"]
        let found = try view.found("/reseller/ports", view.asked("cursor", "status", "customerId"), of: portsAPI)
        let tabs = view.tabs(
            "State", "status", [("All", nil, nil), ("Active", "active", nil), ("Expired", "expired", nil)])
        let new = newPortButton(view, customer: view.visit.asked("customerId"))
        let table = DataTable(
            caption: "Ports, newest first",
            columns: [
                Column("Port"), Column("State"), Column("Country"), Column("Ends"),
                Column("You pay, \(view.currency)", .number), Column("Customer pays, \(view.currency)", .number),
            ],
            rows: found.list.listed.map { port in
                [
                    "<a href=\"\(view.link("/ports", port["_id"]))\">\(port["displayName"])</a>",
                    "\(State(port["status"]))",
                    "\(port["countryId"])", view.moment(port["expiresAt"]),
                    "\(Amount(port.row("pricing")?["costToReseller"] ?? ""))",
                    "\(Amount(port.row("pricing")?["resellerPrice"] ?? ""))",
                ]
            },
            empty: view.none("ports", filters, may: new != nil, "Buy one for a customer.", new),
            previous: view.first(), next: view.nextOf(found.list))
        return PageContent(
            "Ports", actions: new,
            "\(view.standing(try view.get("/account")))\(tabs)\(found.shown(table.html))")
    }

    // MARK: Buying

    private static func newPort(_ view: View) throws -> PageContent {
        try view.expects(.post, "/reseller/ports", of: portsAPI)
        let ofCustomers = try view.get("/reseller/customers", [("limit", "100")], of: portsAPI)
        let ofCountries = try view.get("/reseller/countries", [("limit", "100")], of: portsAPI)
        let (customers, countries) = (ofCustomers.rows("customers"), ofCountries.rows("countries"))
        guard !customers.isEmpty else {
            let make = Button("New customer", .primary, leadsTo: view.link("/port-customers"))
            return PageContent(
                "New port", Empty("No customers yet", "A port belongs to a customer.", actions: make.html).html)
        }
        let form = Form.get(
            view.link("/ports/quote"), keeping: [(name: "once", value: view.once)] + view.kept("list"), .plain
        ) {
            """
            \(view.choice(
                "Customer", "customerId", customers.map { .init($0["_id"], "\($0.text("name") ?? $0["email"])") },
                isWhole: ofCustomers.nextCursor == nil, hint: "Its id, as the customer's page has it.",
                value: view.visit.asked("customerId")))\
            \(view.choice("Country", "countryId", countries.map {
                .init($0["_id"], "\($0.text("name") ?? $0["_id"]): \($0["basePrice"]) \($0["currency"]) a day")
            }, isWhole: ofCountries.nextCursor == nil, hint: "Its id, as the price book has it.",
                value: view.visit.asked("countryId")))\
            \(view.field("Days", "days", .number, value: view.visit.asked("days") ?? "30", size: .short))\
            <div class="actions">\(Button("Ask for the price", .primary))</div>
            """
        }
        return PageContent(
            "New port", sub: "\(view.row("Ports", view.link("/ports"))) · First you see what it costs.",
            "\(shortage(view))\(Panel("For whom, and where") { form })")
    }

    /// What the port of the address costs. It asks anew whenever somebody comes back to it.
    private static func quotedPort(_ view: View) throws -> PageContent {
        // What was typed stands below the refusal of a port.
        guard view.visit.attempt == nil else { return try newPort(view) }
        try view.expects(.post, "/reseller/ports", of: portsAPI)
        let names = ["customerId", "countryId", "days"]
        let asked = names.map { (name: $0, value: view.visit.asked($0) ?? "") }
        let change = view.link("/ports/new", query: asked.map { ($0.name, $0.value) })
        guard asked.allSatisfy({ !$0.value.isEmpty }) else { return .elsewhere(change) }
        guard let customer = try view.ask("/reseller/customers/\(asked[0].value.percentEncoded)", of: portsAPI) else {
            return try refused(.field("/customerId", "unknown", "is no customer of yours"), asked, view)
        }
        let (price, tried) = try view.tried(pricing, asked, of: portsAPI)
        guard let price else { return try refused(tried.visit.attempt?.refusal ?? .defect, asked, view) }
        let facts: [(name: String, value: HTML?)] = [
            ("Customer", "\(customer.text("name") ?? customer["email"])"), ("Country", "\(asked[1].value)"),
            ("Days", "\(asked[2].value)"),
            ("Customer pays", "\(Amount(price["resellerPrice"], currency: view.currency))"),
        ]
        let costs = try costs(price["basePrice"], view)
        let buy = view.form(
            "POST \(portsAPI)/reseller/ports", said: .ordered, next: view.link("/ports"),
            once: view.visit.asked("once"), isButton: true
        ) {
            """
            \(each: asked + [(FormField.total, price["basePrice"])], { FormField.hidden($0.name, $0.value) })\
            \(Button("Buy for \(Amount.grouped(price["basePrice"])) \(view.currency)", .primary))
            """
        }
        return PageContent(
            "Confirm the port", sub: "Nothing has been bought yet.",
            """
            \(Panel("What it costs") {
                """
                \(confirmed(facts, costs, by: buy, or: Button("Change it", .quiet, leadsTo: change), view))
                """
            })
            """
        ).paying(price["basePrice"])
    }

    private static let pricing = "/reseller/pricebook/calculate"

    /// The form again, with what is wrong at its fields. The price book asks for a price where it has no such country.
    private static func refused(
        _ refusal: Refusal, _ asked: [(name: String, value: String)], _ view: View
    ) throws -> PageContent {
        let told: Refusal =
            switch refusal {
            case .invalid(let errors):
                .invalid(
                    errors.map { error in
                        guard error.pointer == "/basePrice" else { return error }
                        return FieldError(
                            pointer: "/countryId", code: "unknown", detail: "is no country of the price book")
                    })
            default: refusal
            }
        let view = view.refusing(told, asked, of: pricing)
        return try newPort(view).refused(in: view)
    }

    // MARK: One port

    /// A port as its API reads it: what it is, and what was paid.
    private static func readPort(_ view: View) throws -> (port: Row, pricing: Row?) {
        let answer = try view.get("/reseller/ports/\(view.visit.segment())", of: portsAPI)
        return (answer.row("port") ?? answer, answer.row("pricing"))
    }

    private static func port(_ view: View) throws -> PageContent {
        let (port, pricing) = try readPort(view)
        let path = "/reseller/ports/\(view.visit.segment())"
        let isActive = port["status"] == "active"
        let price = { (name: String) -> HTML? in
            pricing.map { Amount($0[name], currency: view.currency).html }
        }
        let login = "\(port["proxyLogin"]):\(port["proxyPassword"])@\(port["serverIp"])"
        let facts = Facts([
            ("State", "\(State(port["status"]))"), ("Ends", view.moment(port["expiresAt"])),
            ("Country", "\(port["countryId"])"),
            ("Customer", view.idLink("/port-customers", port["customerId"])), ("You pay", price("costToReseller")),
            ("Customer pays", price("resellerPrice")),
        ])
        let http = CopyBox("http://\(login):\(port["httpPort"])", id: "http", label: "the HTTP address")
        let socks = CopyBox("socks5://\(login):\(port["socksPort"])", id: "socks", label: "the SOCKS address")
        let move: HTML? =
            isActive && view.may(.post, "\(path)/rotate", of: portsAPI)
            ? view.button("Move to another device", "POST \(portsAPI)\(path)/rotate", said: .moved, .plain).html : nil
        let renew: HTML? =
            isActive && view.may(.post, "\(path)/renew", of: portsAPI)
            ? Panel("More days") { renewalForm(view) }.html : nil
        return PageContent(
            port["displayName"],
            sub: "\(view.row("Ports", view.link("/ports"))) · <code>\(view.visit.parameter())</code>", actions: move,
            """
            \(view.standing(try view.get("/account")))\(shortage(view))\
            <div class="cols"><div>\(Panel("Port") { facts.html })</div><div>\(Panel("Login") { "\(http)\(socks)" })\
            \(renew)</div></div>
            """)
    }

    private static func renewalForm(_ view: View) -> HTML {
        Form.get(
            view.link("/ports", view.visit.parameter(), "renew"),
            keeping: [(name: "once", value: view.once)] + view.kept("list"), .plain
        ) {
            """
            \(view.field(
                "Days more", "days", .number, value: view.visit.asked("days") ?? "30",
                hint: "First you see what they cost.", size: .short))\
            <div class="actions">\(Button("Ask for the price", .primary))</div>
            """
        }
    }

    /// What the days of the address cost. A refusal of theirs stands above, and what they cost below it.
    private static func quotedRenewal(_ view: View) throws -> PageContent {
        let path = "/reseller/ports/\(view.visit.segment())"
        try view.expects(.post, "\(path)/renew", of: portsAPI)
        // What was typed stands below the refusal of a renewal.
        guard view.visit.attempt == nil else { return try Self.port(view) }
        let (port, _) = try readPort(view)
        let back = view.link("/ports", view.visit.parameter())
        guard let days = view.visit.asked("days"), port["status"] == "active" else { return .elsewhere(back) }
        let asked = [
            (name: "customerId", value: port["customerId"]), (name: "countryId", value: port["countryId"]),
            (name: "days", value: days),
        ]
        let (price, shown) = try view.tried(pricing, asked, of: portsAPI)
        guard let price else { return try Self.port(shown).refused(in: shown) }
        let facts: [(name: String, value: HTML?)] = [
            ("Ends now", view.moment(port["expiresAt"])), ("Days more", "\(days)"),
            ("Customer pays", "\(Amount(price["resellerPrice"], currency: view.currency))"),
        ]
        let costs = try costs(price["basePrice"], view)
        let renew = view.form(
            "POST \(portsAPI)\(path)/renew", said: .paid, next: back, once: view.visit.asked("once"), isButton: true
        ) {
            """
            \(FormField.hidden("days", days))\(FormField.hidden(FormField.total, price["basePrice"]))\
            \(Button("Renew for \(Amount.grouped(price["basePrice"])) \(view.currency)", .primary))
            """
        }
        return PageContent(
            "Renew \(port["displayName"])", sub: "Nothing has been paid yet.",
            """
            \(Panel("What it costs") {
                """
                \(confirmed(facts, costs, by: renew, or: Button("Cancel", .quiet, leadsTo: back), view))
                """
            })
            """
        ).paying(price["basePrice"])
    }
}
