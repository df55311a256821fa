import CallKit
import HTML
import HTTPCore
import PageKit

/// Ports and the customers who have them (X1–X5).
extension PortalPages {
    static let portsAPI = "/v1"

    static let ports: [Page] = [
        Page("/ports", "Ports") { view in try portList(view) },
        Page("/ports/new", "New port") { view in try newPort(view) },
        Page("/ports/{id}", "Port") { view in try port(view) },
        Page("/port-customers", "Customers") { view in try portCustomers(view) },
        Page("/port-customers/{id}", "Customer") { view in try portCustomer(view) },
    ]

    private static func portList(_ view: View) throws -> PageContent {
        let found = try view.found("/reseller/ports", view.asked("cursor", "status", "customerId"), of: portsAPI)
        let tabs = view.tabs(
            "State", "status", [("All", nil, nil), ("Active", "active", nil), ("Expired", "expired", nil)])
        let new = Button("New port", .primary, leadsTo: view.link("/ports/new"))
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
            empty: Empty("No ports yet", "Buy one for a customer.", actions: new.html).html, previous: view.first(),
            next: view.nextOf(found.list))
        return PageContent("Ports", actions: "\(new)", "\(tabs)\(found.shown(table.html))")
    }

    private static func newPort(_ view: View) throws -> PageContent {
        let ofCustomers = try view.get("/reseller/customers", [("limit", "100")], of: portsAPI)
        let ofCountries = try view.get("/reseller/countries", [("limit", "100")], of: portsAPI)
        let (customers, countries) = (ofCustomers.rows("customers"), ofCountries.rows("countries"))
        guard !customers.isEmpty else {
            let make = Button("New customer", .primary, leadsTo: view.link("/port-customers"))
            return PageContent(
                "New port", Empty("No customers yet", "A port belongs to a customer.", actions: make.html).html)
        }
        let form = view.form("POST \(portsAPI)/reseller/ports", said: .ordered, next: view.link("/ports")) {
            """
            \(view.choice(
                "Customer", "customerId", customers.map { .init($0["_id"], "\($0.text("name") ?? $0["email"])") },
                isWhole: ofCustomers.nextCursor == nil, hint: "Its id, as the customer's page has it.",
                value: view.visit.asked("customer")))\
            \(view.choice("Country", "countryId", countries.map {
                .init($0["_id"], "\($0.text("name") ?? $0["_id"]): \($0["basePrice"]) \($0["currency"]) base price")
            }, isWhole: ofCountries.nextCursor == nil, hint: "Its id, as the price book has it."))\
            \(view.field("Days", "days", .number, value: "30", size: .short))\
            <div class="actions">\(Button("Buy it", .primary))</div>
            """
        }
        return PageContent("New port", "\(Panel("For whom, and where") { form.html })")
    }

    private static func port(_ view: View) throws -> PageContent {
        let id = view.visit.parameter()
        let answer = try view.get("/reseller/ports/\(id)", of: portsAPI)
        let port = answer.row("port") ?? answer
        let call = "\(portsAPI)/reseller/ports/\(id)"
        let renew = view.form("POST \(call)/renew", said: .paid) {
            """
            \(view.field("Days more", "days", .number, value: "30", size: .short))\
            <div class="actions">\(Button("Renew", .primary))</div>
            """
        }
        let price = { (name: String) -> HTML? in
            answer.row("pricing").map { Amount($0[name], currency: view.currency).html }
        }
        let login = "\(port["proxyLogin"]):\(port["proxyPassword"])@\(port["serverIp"])"
        let facts = Facts([
            ("State", "\(State(port["status"]))"), ("Ends", view.moment(port["expiresAt"])),
            ("Country", "\(port["countryId"])"), ("You pay", price("costToReseller")),
            ("Customer pays", price("resellerPrice")),
        ])
        let http = CopyBox("http://\(login):\(port["httpPort"])", id: "http", label: "the HTTP address")
        let socks = CopyBox("socks5://\(login):\(port["socksPort"])", id: "socks", label: "the SOCKS address")
        return PageContent(
            port["displayName"], sub: "<code>\(id)</code>",
            actions: "\(view.button("Move to another device", "POST \(call)/rotate", said: .moved, .plain))",
            """
            <div class="cols"><div>\(Panel("Port") { facts.html })</div><div>\(Panel("Login") { "\(http)\(socks)" })\
            \(Panel("More days") { renew.html })</div></div>
            """)
    }

    private static func portCustomers(_ view: View) throws -> PageContent {
        let list = try view.get("/reseller/customers", view.asked("cursor"), of: portsAPI)
        let form = view.form("POST \(portsAPI)/reseller/customers", said: .created) {
            """
            <div class="fields">\(view.field("E-mail", "email", .email))\(view.field("Name", "name", isRequired: false))</div>\
            <div class="fields">\(view.field("Your own id", "externalId", isRequired: false))\
            \(view.field("Ports at most", "allocatedPortSlots", .number, value: "1", isRequired: false, size: .short))</div>\
            <div class="actions">\(Button("Add", .primary))</div>
            """
        }
        let table = DataTable(
            caption: "Customers",
            columns: [
                Column("Customer"), Column("E-mail"), Column("Ports"), Column("Balance, \(view.currency)", .number),
                Column("State"),
            ],
            rows: list.rows("customers").map { customer in
                [
                    "<a href=\"\(view.link("/port-customers", customer["_id"]))\">\(customer.text("name") ?? customer["email"])</a>",
                    "\(customer["email"])", "\(customer["usedPortSlots"]) of \(customer["allocatedPortSlots"])",
                    "\(Amount(customer["balance"]))", "\(State(customer.bool("isActive") ? "active" : "disabled"))",
                ]
            },
            empty: Empty("No customers yet", "Add one, and buy ports for it.").html, previous: view.first(),
            next: view.nextOf(list))
        return PageContent("Customers", "\(table)\(Panel("New customer") { form.html })")
    }

    private static func portCustomer(_ view: View) throws -> PageContent {
        let id = view.visit.parameter()
        let answer = try view.get("/reseller/customers/\(id)", of: portsAPI)
        let customer = answer.row("customer") ?? answer
        let call = "\(portsAPI)/reseller/customers/\(id)"
        let change = view.form("PATCH \(call)") {
            """
            \(view.field("Ports at most", "allocatedPortSlots", .number, value: customer["allocatedPortSlots"], size: .short))\
            \(view.field(
                "State", "isActive", .select([.init("true", "active"), .init("false", "switched off")]),
                value: customer["isActive"]))\
            \(view.field("Discount", "discountPercent", .decimal, value: customer["discountPercent"], unit: "%", size: .short))\
            <div class="actions">\(Button("Save", .primary))</div>
            """
        }
        let transfer = view.form("POST \(call)/topup", said: .paid) {
            """
            <p>From your balance to the customer's. It does not come back.</p>\
            \(view.field("Amount", "amount", .decimal, unit: view.currency, size: .short))\
            \(view.field("Reference", "referenceId", isRequired: false))\
            <div class="actions">\(Button("Move it"))</div>
            """
        }
        let new = Button("New port", .primary, leadsTo: view.link("/ports/new", query: [("customer", id)]))
        return PageContent(
            customer.text("name") ?? customer["email"],
            sub: """
                <code>\(id)</code> · balance \(Amount(customer["balance"], currency: view.currency)) · \
                \(customer["usedPortSlots"]) of \(customer["allocatedPortSlots"]) ports
                """,
            actions: "\(Button("Its ports", leadsTo: view.link("/ports", query: [("customerId", id)])))\(new)",
            "<div class=\"cols\">\(Panel("Customer") { change.html })\(Panel("Move balance") { transfer.html })</div>")
    }
}
