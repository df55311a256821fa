import CallKit
import HTML
import HTTPCore
import PageKit

/// Those whom a reseller's ports are for, and what it moves to them (X3).
extension PortalPages {
    static let portCustomers: [Page] = [
        Page("/port-customers", "Port customers") { view in try portCustomerList(view) },
        Page("/port-customers/{id}", "Port customer") { view in try portCustomer(view) },
    ]

    private static func portCustomerList(_ view: View) throws -> PageContent {
        let list = try view.get("/reseller/customers", view.asked("cursor"), of: portsAPI)
        let mayAdd = view.may(.post, "/reseller/customers", of: portsAPI)
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
            empty: view.none("customers", [], may: mayAdd, "Add one, and buy ports for it."),
            previous: view.first(), next: view.nextOf(list))
        return PageContent(
            "Port customers",
            "\(view.standing(try view.get("/account")))\(table)\(if: mayAdd, newPortCustomer(view))")
    }

    private static func newPortCustomer(_ view: View) -> HTML {
        let form = view.form("POST \(portsAPI)/reseller/customers", said: .created) {
            """
            <div class="fields">\(view.field("E-mail", "email", .email))\(view.field("Name", "name", isRequired: false))</div>\
            <div class="fields">\(view.field("Your own id", "externalId", isRequired: false))\
            \(view.field("Ports at most", "allocatedPortSlots", .number, value: "1", isRequired: false, size: .short))</div>\
            <div class="actions">\(Button("Add", .primary))</div>
            """
        }
        return Panel("New customer") { form.html }.html
    }

    private static func portCustomer(_ view: View) throws -> PageContent {
        let id = view.visit.parameter()
        let path = "/reseller/customers/\(view.visit.segment())"
        let answer = try view.get(path, of: portsAPI)
        let customer = answer.row("customer") ?? answer
        let terms = view.may(.patch, path, of: portsAPI) ? portCustomerTerms(customer, view) : nil
        let transfer = view.may(.post, "\(path)/topup", of: portsAPI) ? try balanceTransfer(view) : nil
        let facts = Facts([
            ("E-mail", "\(customer["email"])"), ("Your own id", customer.text("externalId").map { "\($0)" }),
            ("State", "\(State(customer.bool("isActive") ? "active" : "disabled"))"),
            ("Discount", "\(customer["discountPercent"]) %"),
        ])
        return PageContent(
            customer.text("name") ?? customer["email"],
            sub: """
                \(view.row("Port customers", view.link("/port-customers"))) · <code>\(id)</code> · \
                balance \(Amount(customer["balance"], currency: view.currency)) · \
                \(customer["usedPortSlots"]) of \(customer["allocatedPortSlots"]) ports
                """,
            actions: """
                \(Button("Its ports", leadsTo: view.link("/ports", query: [("customerId", id)])))\
                \(newPortButton(view, customer: id))
                """,
            """
            \(view.standing(try view.get("/account")))\
            <div class="cols">\(terms ?? Panel("Customer") { facts.html }.html)\(transfer)</div>
            """)
    }

    private static func portCustomerTerms(_ customer: Row, _ view: View) -> HTML {
        let form = view.form("PATCH \(portsAPI)/reseller/customers/\(view.visit.segment())") {
            """
            \(view.field("Ports at most", "allocatedPortSlots", .number, value: customer["allocatedPortSlots"], size: .short))\
            \(view.field(
                "State", "isActive", .select([.init("true", "active"), .init("false", "switched off")]),
                value: customer["isActive"]))\
            \(view.field("Discount", "discountPercent", .decimal, value: customer["discountPercent"], unit: "%", size: .short))\
            <div class="actions">\(Button("Save", .primary))</div>
            """
        }
        return Panel("Customer") { form.html }.html
    }

    private static func balanceTransfer(_ view: View) throws -> HTML {
        let balance = try view.get("/balance")
        let available = Amount(balance["available"], currency: balance["currency"])
        let form = view.form("POST \(portsAPI)/reseller/customers/\(view.visit.segment())/topup", said: .paid) {
            """
            <p>From your balance to the customer's. It does not come back. You have \(available).</p>\
            \(view.field("Amount", "amount", .decimal, unit: view.currency, size: .short))\
            \(view.field("Reference", "referenceId", isRequired: false))\
            <div class="actions">\(Button("Move it"))</div>
            """
        }
        return Panel("Move balance") { form.html }.html
    }
}
