import CallKit
import HTML
import HTTPCore
import PageKit

/// Who takes resellers' payments (A6). Secrets go in and never come out.
enum PaymentSettings {
    static func content(_ view: View) throws -> PageContent {
        let mayRead = view.may(.get, "/payment-service")
        let service = try view.ask("/payment-service")
        let tabs = SettingsPages.tabs("payments", view)
        guard mayRead else {
            return PageContent("Payment service", "\(tabs)<p>Operators see the payment service.</p>")
        }
        let mayWrite = view.may(.put, "/payment-service")
        return PageContent(
            "Payment service", sub: service.map { "\(State("in force", tone: .good)) <code>\($0["driver"])</code>" },
            actions: service != nil && mayWrite
                ? "\(Button("Take none any more…", leadsTo: view.link("/settings/payments/remove")))" : nil,
            """
            \(tabs)<div class="cols">\(Panel("In force") { present(service, view) })\
            \(if: mayWrite, "\(Panel("A service by HTTP") { form(service, view).html })")</div>
            """)
    }

    private static func present(_ service: Row?, _ view: View) -> HTML {
        let sandbox = view.form("PUT /payment-service", said: .saved) {
            "\(FormField.hidden("driver", "sandbox"))\(Button("Use the sandbox"))"
        }
        let offer: HTML? =
            service?["driver"] != "sandbox" && view.may(.put, "/payment-service")
            ? """
            <h3>The sandbox</h3><p>A payment page of this gateway, for trying out: whoever presses “Pay” has paid. No \
            money \
            moves.</p>\(sandbox)
            """ : nil
        guard let service else {
            return "<p>There is none: resellers cannot top up by themselves.</p>\(offer)"
        }
        let facts = Facts([
            ("Driver", "<code>\(service["driver"])</code>"),
            ("Payments are begun at", service.text("create_url").map { "<code>\($0)</code>" }),
            ("It reports to", service.text("callback_url").map { "<code>\($0)</code>" }),
            ("Payers come back to", service.text("return_url").map { "<code>\($0)</code>" }),
            ("Since", "\(TimeText(service["created_at"], now: view.visit.call.now))"),
        ])
        return "\(facts)\(offer)"
    }

    private static func form(_ service: Row?, _ view: View) -> Form {
        view.form("PUT /payment-service", said: .saved) {
            """
            \(FormField.hidden("driver", "http"))\(FormField.username("payments"))\
            \(view.field(
                "Begin payments at", "create_url", .url, value: service?.text("create_url"), autocomplete: "off",
                size: .wide))\
            \(view.field(
                "API key", "api_key", .password, hint: "Write-only: it is never shown again.",
                autocomplete: "new-password"))\
            \(view.field(
                "Webhook secret", "webhook_secret", .password, hint: "whsec_ and what follows. Write-only.",
                autocomplete: "new-password"))\
            \(view.field(
                "It reports to", "callback_url", .url, hint: "Empty: the tenant's own address", isRequired: false,
                size: .wide))\
            \(view.field(
                "Payers come back to", "return_url", .url, hint: "Empty: the tenant's own page", isRequired: false,
                size: .wide))\
            \(view.field(
                "The old secret works on for", "overlap_seconds", .number, unit: "s", isRequired: false, size: .short))
            <div class="actions">\(Button("Put it in force", .primary))</div>
            """
        }
    }

    static func removing(_ view: View) -> PageContent {
        let back = view.link("/settings/payments")
        let form = view.form("DELETE /payment-service", said: .ended, next: back) {
            """
            <div class="actions">\(Button("Take no payments", .danger))\(Button("Cancel", .quiet, leadsTo: back))</div>
            """
        }
        return PageContent(
            "Take no payments", sub: #"<a href="\#(back)">Payment service</a>"#,
            """
            <section class="panel"><p>Resellers cannot begin a top-up any more. What the service reports of payments \
            that are \
            under way is still taken.</p>\(form)</section>
            """)
    }
}

/// Who is asked to carry out orders (W13): the tenant's, or a product's own.
enum ProvisionerSettings {
    static func ofTenant(_ view: View) throws -> PageContent {
        try content("/provisioning", product: nil, view)
    }

    static func ofProduct(_ view: View) throws -> PageContent {
        let sku = view.visit.parameter()
        return try content("/products/\(sku)/provisioning", product: try view.get("/products/\(sku)"), view)
    }

    private static func content(_ path: String, product: Row?, _ view: View) throws -> PageContent {
        let mayRead = view.may(.get, path)
        let known = try view.ask(path)
        let title = product.map { "Provisioner of \($0["sku"])" } ?? "Provisioning settings"
        let crumb: HTML? = product.map { #"<a href="\#(view.link("/products", $0["sku"]))">\#($0["name"])</a>"# }
        let tabs: HTML? = product == nil ? SettingsPages.tabs("provisioning", view).html : nil
        guard mayRead else { return PageContent(title, sub: crumb, "\(tabs)<p>Operators see the provisioner.</p>") }
        let mayWrite = view.may(.put, path)
        let mayTest = known != nil && view.may(.post, "/provisioning/test")
        let isRemovable = known != nil && view.may(.delete, path)
        return PageContent(
            title, sub: crumb,
            actions: isRemovable ? "\(Button("Take it away…", leadsTo: removal(product, view)))" : nil,
            """
            \(tabs)<div class="cols">\(Panel("In force") { present(known, product, view) })\
            <div>\(if: mayWrite, "\(Panel(known == nil ? "Add one" : "Change it") { form(path, known, view).html })")\
            \(if: mayTest, "\(Panel("Test") { test(product, view).html })")\
            </div></div>
            """)
    }

    private static func removal(_ product: Row?, _ view: View) -> Link {
        guard let product else { return view.link("/settings/provisioning/remove") }
        return view.link("/products", product["sku"], "provisioner", "remove")
    }

    static func removing(_ view: View) throws -> PageContent {
        let sku = view.visit.call.parameters.first
        let back = sku.map { view.link("/products", $0, "provisioner") } ?? view.link("/settings/provisioning")
        let path = sku.map { "/products/\($0)/provisioning" } ?? "/provisioning"
        let known = try view.get(path)
        let form = view.form("DELETE \(path)", said: .removed, next: back) {
            """
            <div class="actions">\(Button("Take it away", .danger))\(Button("Cancel", .quiet, leadsTo: back))</div>
            """
        }
        return PageContent(
            sku.map { "Take the provisioner of \($0) away" } ?? "Take the provisioner away",
            sub: #"<a href="\#(back)">Provisioner</a>"#,
            """
            <section class="panel"><p><code>\(known["url"])</code> is asked for nothing any more. What is under way \
            waits \
            until there is one again. Its secret is forgotten.</p>\(form)</section>
            """)
    }

    private static func present(_ known: Row?, _ product: Row?, _ view: View) -> HTML {
        guard let known else {
            return product == nil
                ? "<p>There is none. Orders of products with the fulfilment “http” need one.</p>"
                : "<p>It has none of its own: the tenant's is asked.</p>"
        }
        let now = view.visit.call.now
        return Facts([
            ("Address", "<code>\(known["url"])</code>"), ("Answers within", "\(known["timeout_seconds"]) s"),
            ("Secret", "kept, never shown"), ("Since", "\(TimeText(known["created_at"], now: now))"),
            ("Changed", "\(TimeText(known["updated_at"], now: now))"),
        ]).html
    }

    private static func form(_ path: String, _ known: Row?, _ view: View) -> Form {
        view.form("PUT \(path)", said: .saved) {
            """
            \(FormField.username("provisioner"))\
            \(view.field("Address", "url", .url, value: known?.text("url"), autocomplete: "off", size: .wide))\
            \(view.field(
                "Signing secret", "secret", .password,
                hint: known == nil ? "Empty: one is made, and shown once." : "Empty: it stays as it is.",
                isRequired: false, autocomplete: "new-password"))\
            \(view.field(
                "Answers within", "timeout_seconds", .number, value: known?.text("timeout_seconds"), unit: "s",
                isRequired: false, size: .short))
            <div class="actions">\(Button("Save", .primary))</div>
            """
        }
    }

    private static func test(_ product: Row?, _ view: View) -> Form {
        view.form("POST /provisioning/test") {
            """
            \(product.map { FormField.hidden("product", $0["sku"]) })\(FormField.hidden("send", "false"))\
            \(view.field(
                "What to ask for", "verb",
                .select(["create", "suspend", "unsuspend", "terminate"].map { FormField.Option($0) }), value: "create"))\
            \(view.field(
                "Send it, marked as a dry run", "send", .checkbox, value: "true", isRequired: false))
            <div class="actions">\(Button("Test"))</div>
            """
        }
    }

    /// The secret that was made, once; of a test the request, its signature and the answer.
    static func tried(_ visit: Visit, _ call: FormCall, _ row: Row) throws -> PageContent? {
        if let secret = row.optional("secret") { return made(secret, visit) }
        return row.row("request").map { answer(visit, $0, row) }
    }

    private static func made(_ secret: String, _ visit: Visit) -> PageContent {
        PageContent(
            "Shown once",
            """
            <section class="panel once" role="status"><h2>Keep it now</h2>\
            <p>Calls of the provisioner are signed with this secret, and its answers by it. Nobody can show it again.</p>\
            \(CopyBox(secret, id: "secret", label: "signing secret"))\
            <div class="actions">\(Button("I have kept it", leadsTo: visit.here()))</div></section>
            """)
    }

    private static func answer(_ visit: Visit, _ request: Row, _ row: Row) -> PageContent {
        let head = (request.row("headers")?.members ?? []).map { "\($0.name): \($0.value.value)" }
        let text = (["\(request["method"]) \(request["url"])"] + head + ["", request["body"]]).joined(separator: "\n")
        let outcome = row.text("outcome") ?? "not sent"
        let isGood = row.text("status").flatMap { Int($0) }.map { 200..<300 ~= $0 } ?? false
        let answer: HTML? = row.text("answer").map { #"<pre class="code"><code>\#($0)</code></pre>"# }
        return PageContent(
            "Test of the provisioner", sub: #"<a href="\#(visit.here())">Provisioner</a>"#,
            """
            \(Panel("Answer") {
                """
                \(Facts([
                    ("Outcome", "\(State(outcome, tone: isGood ? .good : row.bool("sent") ? .bad : .quiet))"),
                    ("Status", row.text("status").map { "\($0)" }),
                ]))\(answer)
                """
            })\(Panel("Request") { CopyBox(text, id: "request", label: "request", isBlock: true).html })
            """)
    }
}

/// What a port costs a day, by country (X2).
enum CountrySettings {
    static func content(_ view: View) throws -> PageContent {
        let list = try view.get("/countries", view.asked("cursor"))
        let rows = list.rows()
        let mayWrite = view.may(.put, "/countries/x")
        let now = view.visit.call.now
        let table = DataTable(
            caption: "Countries",
            columns: [
                Column("Country"), Column("Name"),
                view.money("Base price a day"), Column("Changed"),
            ],
            rows: rows.map { row in
                let name = row.text("name") ?? ""
                let link = view.visit.here([("country", row["id"])])
                return [
                    #"<a href="\#(link)">\#(row["id"])</a>"#, "\(name)", view.amount(row, "base_price"),
                    "\(TimeText(row["updated_at"], now: now))",
                ]
            }, empty: Empty("No countries yet", "Ports are sold by country, at a price a day.").html,
            previous: view.first(), next: view.next(list))
        let chosen = rows.first { $0["id"] == view.visit.asked("country") }
        let form = view.form("PUT /countries/{id}", said: .saved) {
            """
            \(view.field(
                "Id", "id", value: chosen?["id"], hint: "As files and callers name it, say germany_id",
                autocomplete: "off"))\
            \(view.field("Name", "name", value: chosen?.text("name"), isRequired: false))\
            \(view.field("Base price a day", "base_price", .decimal, value: chosen?["base_price"], unit: view.currency,
                size: .short))
            <div class="actions">\(Button("Save", .primary))</div>
            """
        }
        let title = chosen.map { "Change \($0["id"])" } ?? "Add a country"
        return PageContent(
            "Countries",
            """
            \(SettingsPages.tabs("countries", view))<div class="cols wide">\(table)\
            \(if: mayWrite, "\(Panel(title) { form.html })")</div>
            """)
    }
}
