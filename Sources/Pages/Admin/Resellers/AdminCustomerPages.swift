import CallKit
import HTML
import HTTPCore
import PageKit

/// End customers of all resellers, as far as the tenant's dialects know them (O11).
extension AdminPages {
    static let customers: [Page] = [
        Page("/customers", "Customers") { view in
            let found = try view.found("/customers", view.asked("reseller", "q", "cursor"))
            let names = try ResellerNames(of: found.rows, view)
            let resellers = try ResellerChoice(view).filter(view)
            let filters = Form.get(view.link("/customers"), keeping: view.visit.kept("mode")) {
                """
                \(view.field(
                    "Find", "q", .search, value: view.visit.asked("q"),
                    hint: "How an id, external id or e-mail begins.", isRequired: false))\
                \(resellers)\
                \(filterButtons(view, clearing: "q", "reseller"))
                """
            }
            let table = DataTable(
                caption: "Customers",
                columns: [
                    Column("Customer"), Column("E-mail"), Column("Name"), Column("Reseller"), Column("Since"),
                ],
                rows: found.rows.map { customer in
                    [
                        customerLink(customer, view), "\(customer["email"])", "\(customer["name"])",
                        names.link(customer["reseller"], view),
                        "\(TimeText(customer["created_at"], now: view.visit.call.now))",
                    ]
                },
                empty: nobody(
                    view, "No customers yet",
                    "They come with their first order, under the id that their reseller gives.",
                    asked: "q", "reseller"), previous: view.first(), next: view.next(found.list))
            return PageContent("Customers", "\(filters)\(found.shown(table.html))")
        },
        Page(inSteps: "/customers/{id}", "A customer") { view in
            let id = view.visit.parameter()
            let customer = try await view.get("/customers/\(id)")
            let ofIt: [(String, String?)] = [("customer", id), ("limit", "20")]
            let orders = try await view.get("/orders", ofIt)
            let services = try await view.get("/services", ofIt + [("state", serviceStates)])
            let names = try await ResellerNames(of: [customer], view)
            let changes = try await ChangesPart([("object", id)], view)
            let facts = Facts([
                ("External id", customer.text("external_id").map { "\($0)" }),
                ("E-mail", customer.text("email").map { "\($0)" }), ("Name", customer.text("name").map { "\($0)" }),
                ("Reseller", names.link(customer["reseller"], view)),
                ("Since", "\(TimeText(customer["created_at"]))"),
            ])
            return PageContent(
                customer.text("name") ?? customer.text("external_id") ?? id,
                sub: #"<a href="\#(view.link("/customers"))">Customers</a> · <code>\#(id)</code>"#,
                """
                \(Panel("Customer") { "\(facts)\(change(customer, view))" })\
                \(sales(orders, services, ofIt: ("customer", id), view))\(changes?.html)
                """)
        },
        Page("/subscribers", "Subscribers") { view in
            let found = try view.found("/subscribers", view.asked("email", "cursor"))
            let filters = Form.get(view.link("/subscribers"), keeping: view.visit.kept("mode")) {
                """
                \(view.field("E-mail", "email", .search, value: view.visit.asked("email"), isRequired: false))\
                \(filterButtons(view, clearing: "email"))
                """
            }
            let table = DataTable(
                caption: "Subscribers",
                columns: [Column("E-mail"), Column("Subscription"), Column("Until"), Column("Since")],
                rows: found.rows.map { subscriber in
                    let subscription = subscriber.row("subscription")
                    return [
                        #"<a href="\#(view.link("/subscribers", subscriber["id"]))">\#(subscriber["email"])</a>"#,
                        "\(State(subscription?["status"] ?? ""))", subscription?.ago("ends_at", view) ?? "",
                        "\(TimeText(subscriber["created_at"], now: view.visit.call.now))",
                    ]
                },
                empty: nobody(
                    view, "No subscribers yet", "They come by redeeming a code that a reseller sold them.",
                    asked: "email"),
                previous: view.first(), next: view.next(found.list))
            return PageContent("Subscribers", "\(filters)\(found.shown(table.html))")
        },
        Page("/subscribers/{id}", "A subscriber") { view in
            let id = view.visit.parameter()
            let subscriber = try view.get("/subscribers/\(id)")
            let list = try view.get("/subscribers/\(id)/redemptions", view.asked("cursor"))
            let names = try ResellerNames(of: list.rows(), view)
            let subscription = subscriber.row("subscription")
            let table = DataTable(
                caption: "Codes redeemed, newest first",
                columns: [
                    Column("Plan"), Column("Days", .number), Column("From"), Column("To"), Column("Reseller"),
                    Column("Redeemed"),
                ],
                rows: list.rows().map { code in
                    [
                        "\(code["product"])", "\(code["days"])", "\(TimeText(code["begins_at"]))",
                        "\(TimeText(code["ends_at"]))", names.link(code["reseller"], view),
                        "\(TimeText(code["redeemed_at"], now: view.visit.call.now))",
                    ]
                }, empty: Empty("No code redeemed").html, previous: view.first(), next: view.next(list))
            let facts = Facts([
                ("Until", subscription?.ago("ends_at", view)), ("Since", "\(TimeText(subscriber["created_at"]))"),
            ])
            return PageContent(
                subscriber["email"],
                sub: """
                    <a href="\(view.link("/subscribers"))">Subscribers</a> · <code>\(id)</code> · \
                    \(State(subscription?["status"] ?? ""))
                    """,
                """
                \(Panel("Subscription") { facts.html })\(Panel("Codes") { table.html })\(lostPassword(id, view))
                """)
        },
        Page("/users", "Users") { view in
            let found = try view.found("/users", view.asked("signed_up_via", "cursor"))
            let names = try ResellerNames(of: found.rows, view)
            let table = DataTable(
                caption: "Users, by the key that signed them up",
                columns: [
                    Column("E-mail"), Column("Name"), Column("Reseller"), Column("Key", .id), Column("Since"),
                ],
                rows: found.rows.map { user in
                    [
                        "\(user["email"])", "\(user["name"])", names.link(user["reseller"], view),
                        user.text("signed_up_via").map { key in
                            #"<a href="\#(view.link("/keys", key))"><code>\#(key)</code></a>"#
                        } ?? "",
                        "\(TimeText(user["created_at"], now: view.visit.call.now))",
                    ]
                },
                empty: nobody(
                    view, "No users yet", "Resellers sign them up by their keys.", asked: "signed_up_via"),
                previous: view.first(), next: view.next(found.list))
            return PageContent("Users", found.shown(table.html))
        },
    ]

    /// All of them: a customer's page shows the cancelled ones too.
    private static let serviceStates = "pending,active,past_due,suspended,cancelled"

    private static func customerLink(_ customer: Row, _ view: View) -> HTML {
        let name = customer.text("external_id") ?? customer["id"]
        return #"<a href="\#(view.link("/customers", customer["id"]))">\#(name)</a>"#
    }

    /// Nothing for whoever may not change it.
    private static func change(_ customer: Row, _ view: SlowView) -> HTML? {
        let path = "/customers/\(customer["id"])"
        guard view.may(.patch, path) else { return nil }
        let form = view.form("PATCH \(path)", said: .saved) {
            """
            <div class="fields">\(view.field(
                "E-mail", "email", .email, value: customer.text("email"), isRequired: false))\
            \(view.field("Name", "name", value: customer.text("name"), isRequired: false))</div>
            <div class="actions">\(Button("Save"))</div>
            """
        }
        return form.html
    }

    /// Nothing for whoever may not make the link.
    private static func lostPassword(_ subscriber: String, _ view: View) -> HTML {
        let path = "/subscribers/\(subscriber)/password-reset"
        guard view.may(.post, path) else { return "" }
        let reset = view.button("Make a link to set a new password", "POST \(path)", said: .created, .plain)
        return Panel("Lost password") {
            """
            <p>The link opens once, within 24 hours, and is shown to you alone. The password before holds until it is \
            used.</p>\(reset)
            """
        }.html
    }

    private static func filterButtons(_ view: View, clearing names: String...) -> HTML {
        #"<div class="actions">\#(Button("Find"))\#(view.clear(names))</div>"#
    }

    /// An empty list, and why it is.
    private static func nobody(_ view: View, _ title: String, _ sentence: String, asked names: String...) -> HTML {
        guard names.contains(where: { view.visit.asked($0) != nil }) else { return Empty(title, "\(sentence)").html }
        let all = view.visit.here((names + ["cursor"]).map { ($0, nil) })
        return Empty("Nobody matches", actions: "\(Button("Show all", leadsTo: all))").html
    }
}
