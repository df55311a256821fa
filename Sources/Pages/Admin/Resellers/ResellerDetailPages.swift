import CallKit
import HTML
import HTTPCore
import PageKit

/// One reseller: what there is to know of it, and what one does with it (O3).
extension AdminPages {
    static let resellerDetails: [Page] = [
        Page(inSteps: "/resellers/{id}", "A reseller") { view in
            let id = view.visit.parameter()
            let known = try await view.reading { try KnownReseller($0, id) }
            let statement = try await view.get("/resellers/\(id)/statement", [("limit", KnownReseller.linesMax)])
            let range = UsageRange(view)
            let usage = try await view.get("/usage/total", range.query + [("reseller", id)])
            let sold: HTML? = hasOrders(view) ? try await sales(ofReseller: id, view) : nil
            let changes = try await view.get("/audit", Timeline.latest + [("reseller", id)])
            let priceHistory = Button(
                "Prices", .quiet, leadsTo: view.link("/prices/history", query: [("reseller", id)]))
            let history = try await ChangesPart([("reseller", id)], more: priceHistory.html, view)
            let reseller = known.reseller
            return PageContent(
                reseller.called,
                sub: """
                    <a href="\(view.link("/resellers"))">Resellers</a> · <code>\(id)</code> · \
                    \(State(reseller["status"])) \(reseller.standing) · since \(TimeText(reseller["created_at"]))
                    """,
                actions: moves(reseller, view),
                """
                \(waiting(reseller))\(unpriced(known, id, view))\(money(known, statement, view))
                <div class="cols wide"><div>\(calls(usage, range, id, view))\
                \(limit(reseller, view))\(itsKeys(known, id, view))\
                \(sold)\
                \(if: hasPrices(view), prices(known, id, view))\(done(changes, id, view))</div>
                <div>\(profile(reseller, view))\(history?.html)\(access(known, id, view))</div></div>
                """)
        },
        Page(inSteps: "/resellers/{id}/statement", "A reseller's statement") { view in
            let id = view.visit.parameter()
            let reseller = try await view.get("/resellers/\(id)")
            let list = try await view.get("/resellers/\(id)/statement", view.asked("cursor"))
            let file: HTML? =
                view.may(.get, "/resellers/\(id)/statement.csv")
                ? Button("Download CSV", leadsTo: view.link("/resellers", id, "statement.csv")).html : nil
            let back = view.link("/resellers", id)
            return PageContent(
                "Statement of \(reseller.called)",
                sub: #"<a href="\#(back)">\#(reseller.called)</a> · in \#(reseller["currency"])"#,
                actions: file,
                """
                \(Panel("Balance") { "\(balances(reseller))" })
                \(movements(list.rows(), view, previous: view.first(), next: view.next(list)))
                """)
        },
    ]

    /// What one read of the tenant's file says of a reseller.
    private struct KnownReseller: Sendable {
        let reseller: Row
        let prices: Row
        let keys: Row
        let webhooks: Row
        let sessions: Row

        static let linesMax = "6"

        init(_ view: View, _ id: String) throws {
            let few: [(String, String?)] = [("limit", Self.linesMax)]
            reseller = try view.get("/resellers/\(id)")
            // In the test book a row that it does not have is the live one.
            prices = try view.get("/resellers/\(id)/products", few + [("mode", "live")])
            keys = try view.get("/api-keys", few + [("reseller", id)])
            webhooks = try view.get("/webhooks", few + [("reseller", id)])
            sessions = try view.get("/resellers/\(id)/sessions", few)
        }
    }

    // MARK: Head

    /// What is done most in its state, and all else behind one word.
    private static func moves(_ reseller: Row, _ view: SlowView) -> HTML? {
        let id = reseller["id"]
        guard view.may(.post, "/resellers/\(id)/suspend") else { return nil }
        let state = reseller["status"]
        let first: HTML? =
            switch state {
            case "pending":
                view.form("POST /resellers/\(id)/approve", said: .approved) { "\(Button("Approve", .primary))" }.html
            case "suspended":
                view.form("POST /resellers/\(id)/resume", said: .resumed) { "\(Button("Resume", .primary))" }.html
            case "active": Button("Top up", .primary, leadsTo: view.link("/resellers", id, "top-up")).html
            default: nil
            }
        // Of one that is terminated no name and no terms change; its notes do, and its address.
        let change = state == "terminated" ? "Notes…" : "Change…"
        var more: [(String, Link)] = [(change, view.link("/resellers", id, "edit"))]
        if state != "active" { more.append(("Top up…", view.link("/resellers", id, "top-up"))) }
        more.append(("Correct the balance…", view.link("/resellers", id, "correct")))
        if state == "active" { more.append(("Suspend…", view.link("/resellers", id, "suspend"))) }
        if state != "terminated" {
            more += [
                ("New password…", view.link("/resellers", id, "password")),
                ("New signing secret…", view.link("/resellers", id, "secret")),
                ("Terminate…", view.link("/resellers", id, "terminate")),
            ]
        }
        return """
            \(first)<details class="more"><summary class="button">More</summary><div>\
            \(each: more, { #"<a href="\#($0.1)">\#($0.0)</a>"# })</div></details>
            """
    }

    private static func waiting(_ reseller: Row) -> HTML? {
        switch reseller["status"] {
        case "pending":
            Notice(
                .info, "<p>It waits for approval. Until then its keys are of the test book, and live calls are 403.</p>"
            ).html
        case "suspended":
            Notice(
                .warn,
                """
                <p>Suspended \(reseller.text("suspended_at").map { "\(TimeText($0))" } as HTML?): its calls are 403. \
                Services go on, renew and deliver.</p>
                """
            ).html
        case "terminated":
            Notice(.bad, "<p>Terminated: nothing of it opens any more. Its services end with their paid term.</p>").html
        default: nil
        }
    }

    /// It is approved, and has no price: what comes next. Orders alone need one: codes cost what their product does
    /// where there is none, and licences are not priced.
    private static func unpriced(_ known: KnownReseller, _ id: String, _ view: SlowView) -> HTML? {
        guard hasOrders(view), known.reseller["status"] == "active", known.prices.rows().isEmpty else { return nil }
        let prices: HTML? =
            view.may(.post, "/price-book.csv")
            ? Button("Set its prices", .primary, leadsTo: view.link("/prices", query: [("reseller", id)])).html : nil
        let topUp: HTML? =
            view.may(.post, "/resellers/\(id)/balance")
            ? Button("Top up", leadsTo: view.link("/resellers", id, "top-up")).html : nil
        return Notice(
            .info,
            """
            <p><b>It can order nothing yet.</b> Nothing is priced for it.</p>\
            <div class="actions">\(prices)\(topUp)</div>
            """
        ).html
    }

    // MARK: Money

    static func balances(_ reseller: Row) -> Facts {
        Facts(
            isRow: true,
            [
                ("Balance", "\(Amount(reseller["balance"])) \(reseller["currency"])"),
                ("Held", "\(Amount(reseller["held"]))"), ("Credit limit", "\(Amount(reseller["credit_limit"]))"),
                ("Available", "\(Amount(reseller["available"]))"),
                (
                    "Warned below",
                    reseller.text("low_balance_threshold").map { "\(Amount($0))" } ?? #"<span class="sub">never</span>"#
                ),
            ])
    }

    private static func money(_ known: KnownReseller, _ statement: Row, _ view: SlowView) -> HTML {
        let id = known.reseller["id"]
        let all = Button("All movements", .quiet, leadsTo: view.link("/resellers", id, "statement"))
        return Panel("Balance", actions: "\(all)") {
            """
            \(balances(known.reseller))
            \(movements(statement.rows(), view))
            """
        }.html
    }

    private static func movements(
        _ rows: [Row], _ view: some PageView, previous: Earlier? = nil, next: Link? = nil
    ) -> DataTable {
        DataTable(
            caption: "Movements, newest first",
            columns: [
                Column("What"), Column("When"), Column("Reference"), view.money("Amount"), view.money("Balance after"),
            ],
            rows: rows.map { row in
                [
                    "\(row["kind"].spaced)", "\(TimeText(row["at"], now: view.visit.call.now))",
                    reference(row["reference"], view),
                    "\(Amount(row["amount"]))", "\(Amount(row["balance_after"]))",
                ]
            },
            empty: Empty("Nothing has moved yet", "A top-up is the first movement of most.").html, previous: previous,
            next: next)
    }

    /// An order's is a link.
    private static func reference(_ text: String, _ view: some PageView) -> HTML {
        text.hasPrefix("ord_")
            ? #"<a href="\#(view.link("/orders", text))"><code>\#(text)</code></a>"# : "\(text)"
    }

    private static func done(_ changes: Row, _ id: String, _ view: SlowView) -> Timeline {
        let all = Button("All", .quiet, leadsTo: view.link("/audit", query: [("reseller", id), ("changes", "true")]))
        return Timeline(changes.rows(), "What was done", more: "\(all)", view)
    }

    // MARK: Calls and sales

    private static func calls(_ usage: Row, _ range: UsageRange, _ id: String, _ view: SlowView) -> HTML {
        let audit = Button("Audit log", .quiet, leadsTo: view.link("/audit", query: [("reseller", id)]))
        let refused = Button(
            "Over the limit", .quiet,
            leadsTo: view.link(
                "/audit", query: [("reseller", id), ("status", "429"), ("days", range.isDays ? "30" : nil)]))
        return Panel("Calls with keys", actions: "\(range.switches)\(refused)\(audit)") {
            range.requests(usage, isTitleSeen: false).html
        }.html
    }

    private static func sales(ofReseller id: String, _ view: SlowView) async throws -> HTML {
        let few: [(String, String?)] = [("reseller", id), ("limit", "5")]
        let (orders, services) = (try await view.get("/orders", few), try await view.get("/services", few))
        return sales(orders, services, ofIt: ("reseller", id), view)
    }

    /// `ofIt`: whose they are, as the lists of all of them are narrowed down.
    static func sales(_ orders: Row, _ services: Row, ofIt: (String, String), _ view: SlowView) -> HTML {
        let ofIt = [(ofIt.0, Optional(ofIt.1))]
        let orderTable = DataTable(
            caption: "Its newest orders",
            columns: [Column("Product"), Column("State"), view.money("Total"), Column("When")],
            rows: orders.rows().map { order in
                let what = "\(order["product"]) × \(order["quantity"])"
                return [
                    #"<a href="\#(view.link("/orders", order["id"]))">\#(what)</a>"#, "\(State(order["state"]))",
                    "\(Amount(order["wholesale_total"]))",
                    "\(TimeText(order["created_at"], now: view.visit.call.now))",
                ]
            }, empty: Empty("No orders yet").html)
        let serviceTable = DataTable(
            caption: "Its newest services",
            columns: [Column("Product"), Column("State"), Column("Customer"), Column("Renews")],
            rows: services.rows().map { service in
                [
                    #"<a href="\#(view.link("/services", service["id"]))">\#(service["product"])</a>"#,
                    "\(State(service["status"]))", view.customerLink(of: service),
                    service.ago("renews_at", view) ?? "",
                ]
            }, empty: Empty("No services yet").html)
        return """
            \(Panel("Orders", actions: all("/orders", ofIt, view)) { orderTable.html })\
            \(Panel("Services", actions: all("/services", ofIt, view)) { serviceTable.html })
            """
    }

    private static func all(_ path: StaticString, _ query: [(String, String?)], _ view: SlowView) -> HTML {
        "\(Button("All", .quiet, leadsTo: view.link(path, query: query)))"
    }

    private static func hasOrders(_ view: SlowView) -> Bool { view.visit.has(dialect: "wholesale_orders") }

    private static func hasPrices(_ view: SlowView) -> Bool {
        ["wholesale_orders", "activation_codes", "licence_keys"].contains { view.visit.has(dialect: $0) }
    }

    private static func prices(_ known: KnownReseller, _ id: String, _ view: SlowView) -> HTML {
        let sheet = Button("Price sheet", .quiet, leadsTo: view.link("/prices", query: [("reseller", id)]))
        return Panel("Prices", actions: "\(sheet)") {
            DataTable(
                caption: "Its first prices",
                columns: [
                    Column("Product"), view.money("Monthly"), view.money("Annual"), view.money("Setup"),
                    Column("State"),
                ],
                rows: known.prices.rows().map { price in
                    [
                        "\(price["name"]) <code>\(price["sku"])</code>", "\(Amount(price["wholesale_monthly"]))",
                        "\(Amount(price["wholesale_annual"]))", "\(Amount(price["wholesale_setup_fee"]))",
                        "\(State(price.bool("is_enabled") ? "enabled" : "off"))",
                    ]
                },
                empty: Empty("Nothing is priced for it yet", "It can order what has a price on its sheet.").html
            ).html
        }.html
    }

    // MARK: Beside

    private static func profile(_ reseller: Row, _ view: SlowView) -> HTML {
        let id = reseller["id"]
        let change: HTML? =
            view.may(.patch, "/resellers/\(id)")
            ? Button(
                reseller["status"] == "terminated" ? "Notes" : "Change", .quiet,
                leadsTo: view.link("/resellers", id, "edit")
            ).html : nil
        let isOpen = reseller.bool("api_access")
        let facts = Facts([
            ("Name", "\(reseller["name"])"), ("Company", reseller.text("company").map { "\($0)" }),
            ("E-mail", "\(reseller["email"])"), ("Discount", "\(reseller["default_discount_rate"]) %"),
            ("API", "\(State(isOpen ? "open" : "closed", tone: isOpen ? .good : .bad))"),
            (
                "Approved",
                reseller.text("approved_at").map { at in
                    let by: HTML? = reseller.text("approved_by").map { " by \($0)" }
                    return "\(TimeText(at))\(by)"
                }
            ),
            ("Last call", view.lastUse(reseller.text("last_call_at"))),
        ])
        let notes: HTML? = reseller.text("notes").map { text in
            "<h3>Notes</h3>\(each: text.split(separator: "\n"), { "<p>\($0)</p>" })"
        }
        // Other dialects' end customers are no customers of a reseller.
        let customers: HTML? =
            hasOrders(view)
            ? Button("Customers", .quiet, leadsTo: view.link("/customers", query: [("reseller", id)])).html : nil
        let does = [customers, change].compactMap { $0 }
        return Panel("Profile", actions: does.isEmpty ? nil : "\(does)") { "\(facts)\(notes)" }.html
    }

    private static func limit(_ reseller: Row, _ view: SlowView) -> HTML? {
        guard let limit = reseller.row("rate_limit") else { return nil }
        let id = reseller["id"]
        let change: HTML? =
            view.may(.patch, "/resellers/\(id)")
            ? Button("Tune…", .quiet, leadsTo: view.link("/resellers", id, "limit")).html : nil
        let shown = LimitShown(row: limit)
        return Panel("Limit", id: "limit", actions: change) {
            """
            \(shown.meter(view.link("/resellers", id, "limit", "now")))\
            <p class="sub">\(shown.words), shared by all of its keys.</p>
            """
        }.html
    }

    private static func issue(_ reseller: Row, _ view: SlowView) -> HTML? {
        guard reseller["status"] != "terminated", view.may(.post, "/api-keys") else { return nil }
        return Button(
            "Issue key", .quiet, leadsTo: view.link("/keys/new", query: [("owner_email", reseller["email"])])
        ).html
    }

    private static func itsKeys(_ known: KnownReseller, _ id: String, _ view: SlowView) -> Panel {
        Panel("Keys", actions: "\(issue(known.reseller, view))\(all("/keys", [("reseller", id)], view))") {
            DataTable(
                caption: "Its keys", columns: [Column("Key"), Column("State")],
                rows: known.keys.rows().map { key in
                    [
                        #"<a href="\#(view.link("/keys", key["id"]))">\#(key.text("name") ?? key["prefix"])</a>"#,
                        "\(State(key.keyState)) \(if: key["mode"] == "test", "\(State("test"))")",
                    ]
                }, empty: Empty("No keys yet", "It makes its own, or you issue one.").html
            ).html
        }
    }

    private static func access(_ known: KnownReseller, _ id: String, _ view: SlowView) -> HTML {
        let hooks = DataTable(
            caption: "Its webhooks", columns: [Column("Webhook"), Column("State")],
            rows: known.webhooks.rows().map { hook in
                [
                    #"<a href="\#(view.link("/endpoints", hook["id"]))">\#(hook["name"])</a>"#,
                    "\(State(hook["state"]))",
                ]
            }, empty: Empty("It has set up no webhook").html)
        let open = known.sessions.rows().count
        let sessions: HTML =
            open == 0
            ? "<p>Nobody is signed in.</p>"
            : "<p>Signed in \(open == 1 ? "at one place" : "at several places").</p>"
        return """
            \(Panel("Webhooks", actions: all("/endpoints", [("reseller", id)], view)) { hooks.html })\
            \(Panel(
                "Sessions",
                actions: "\(Button("Sessions", .quiet, leadsTo: view.link("/resellers", id, "sessions")))"
            ) { sessions })
            """
    }
}

extension Row {
    /// What a key is good for now, in a word.
    var keyState: String { self["state"] }
}
