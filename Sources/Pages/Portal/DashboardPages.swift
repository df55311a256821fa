import CallKit
import HTML
import HTTPCore
import PageKit
import TenantRegistry

/// The first page: what needs a hand, what there is, what is coming.
extension PortalPages {
    static let dashboard: [Page] = [
        Page(inSteps: "", "Dashboard") { view in
            let account = try await view.get("/account")
            if account["status"] == "pending" { return waiting(account, try await view.get("/program"), view) }
            let (balance, overview, hooks) = try await view.reading { view in
                (try view.get("/balance"), try view.get("/overview"), try view.get("/webhooks"))
            }
            let orders = view.visit.has(dialect: orderDialect) ? try await view.get("/orders", [("limit", "5")]) : nil
            let codes =
                view.visit.has(dialect: codeDialect)
                ? try await view.reading { try $0.ask("/me", of: "/api/reseller") } : nil
            // The hour that runs is one of them.
            let from = view.visit.call.now.adding(seconds: -23 * 3_600).text
            let calls = try await view.ask("/usage/total", [("by", "hour"), ("from", from), ("callers", "keys")])
            let coming =
                view.visit.has(dialect: orderDialect) ? renewals(overview, view).html : sales(codes, view)
            return PageContent(
                "Dashboard", sub: "\(account["company"].isEmpty ? account["name"] : account["company"])",
                """
                \(view.standing(account))\(needs(balance, overview, hooks, view))\(figures(balance, overview, calls, view))
                \(start(overview, view))<div class="cols wide">\(spending(overview))\(coming)</div>
                \(limitPanel(overview.row("rate_limit"), view))\(orders.map { recent($0, view).html })
                """)
        }
    ]

    // MARK: What needs a hand

    private static func needs(_ balance: Row, _ overview: Row, _ hooks: Row, _ view: some PageView) -> HTML {
        var needs: [HTML] = []
        let late = overview.row("services")?.int("past_due") ?? 0
        if late > 0 {
            let them = late == 1 ? "service is past due" : "services are past due"
            needs.append(
                """
                <li class="bad"><a href="\(view.link("/services", query: [("status", "past_due")]))"><b>\(late)</b>\
                <span>\(them): its renewal could not be paid</span><small>Top up, or pay now</small></a></li>
                """)
        }
        if let days = overview.text("days_left").flatMap({ Int($0) }), days < 7 {
            needs.append(
                """
                <li class="warn"><a href="\(view.link("/balance"))"><b>\(days)</b><span>\(days == 1 ? "day" : "days") \
                of balance left at the present rate</span><small>Top up</small></a></li>
                """)
        }
        let waits = overview.row("services")?.int("pending") ?? 0
        if waits > 0 {
            needs.append(
                """
                <li class="info"><a href="\(view.link("/services", query: [("status", "pending")]))"><b>\(waits)</b>\
                <span>\(waits == 1 ? "service is" : "services are") being set up</span><small></small></a></li>
                """)
        }
        let failing = hooks.rows().filter { hook in
            hook["state"] == "disabled" || (hook.row("health")?.optional("failing_since")).map { !$0.isEmpty } ?? false
        }
        if !failing.isEmpty {
            needs.append(
                """
                <li class="bad"><a href="\(view.link("/webhooks"))"><b>\(failing.count)</b><span>\
                \(failing.count == 1 ? "webhook is" : "webhooks are") disabled or failing</span>\
                <small>\(failing.first?["name"] ?? "")</small></a></li>
                """)
        }
        return needs.isEmpty ? "" : Panel("Needs you") { #"<ul class="needs">\#(needs)</ul>"# }.html
    }

    // MARK: What there is

    /// What the figure of a quarter of the width has room for on a phone.
    private static let figureCharactersMax = 9

    private static func figures(_ balance: Row, _ overview: Row, _ calls: Row?, _ view: some PageView) -> HTML {
        let currency = balance["currency"]
        let left = overview.text("days_left").flatMap { Int($0) }
        let spent = Amount.grouped(overview["spent"])
        // Four columns have no room for a long amount, which is not to break inside.
        let isLong = max(Amount.grouped(balance["available"]).count, spent.count) > figureCharactersMax
        let lasts: HTML =
            left.map { "About \(Figure.counted($0, "day", "days")) at the present rate" } ?? "Nothing spent in 30 days"
        let services = overview.row("services")
        let late = services?.int("past_due") ?? 0
        let requests = calls?.rows().reduce(0) { $0 + $1.int("requests") } ?? 0
        let refused = calls?.rows().reduce(0) { $0 + $1.int("refusals") + $1.int("other_refusals") } ?? 0
        return """
            <div class="cols\(isLong ? "" : " four")">\
            \(stat("Available", "\(Amount(balance["available"], currency: currency))", lasts, view.link("/balance")))\
            \(stat("Spent in 30 days", "\(spent) \(currency)", "\(Amount(balance["held"])) held for orders", view.link("/balance")))\
            \(if: view.visit.has(dialect: orderDialect), stat(
                "Services", "\(Figure.grouped(services?.int("active") ?? 0))",
                """
                active, \(if: late > 0, "\(Figure.grouped(late)) past due, ")\
                \(Figure.grouped(services?.int("suspended") ?? 0)) suspended
                """, view.link("/services")))\
            \(stat(
                "Calls in 24 hours", "\(Figure.grouped(requests))", "\(Figure.grouped(refused)) refused", view.link("/requests")))</div>
            """
    }

    private static func stat(_ label: String, _ figure: HTML, _ sub: HTML, _ link: Link) -> HTML {
        """
        <section class="panel stat"><p class="label"><a href="\(link)">\(label)</a></p><p class="figure">\(figure)</p>\
        <p class="sub">\(sub)</p></section>
        """
    }

    private static func spending(_ overview: Row) -> Panel {
        let days = overview.rows("days")
        let digits = days.first.map { $0["spent"].split(separator: ".").dropFirst().first?.count ?? 0 } ?? 0
        return Panel("The last 30 days") {
            """
            \(BarChart(
                id: "spent", title: "Spent by day", unit: overview["currency"], step: "Day",
                labels: days.map { HourSpan.day($0["day"]) },
                series: [Series("spent", days.map { Int($0["spent"].replacing(".", with: "")) ?? 0 })],
                decimals: digits, none: "Nothing spent in this time."))
            """
        }
    }

    private static func renewals(_ overview: Row, _ view: some PageView) -> Panel {
        let renewals = overview.row("renewals")
        let count = renewals?.int("count") ?? 0
        let sum = renewals?.text("amount")
        return Panel("Renewals in the next 14 days") {
            if count == 0 { return "<p>Nothing renews in that time.</p>" }
            let amount: HTML =
                sum.map { "<b>\(Amount($0, currency: overview["currency"]))</b>" } ?? "more than is summed up here"
            return """
                <p class="figure">\(sum == nil ? "more than " : "")\(Figure.grouped(count))</p>
                <p>They cost \(amount) at the prices that were recorded with them.</p>
                <p><a href="\(view.link("/services", query: [("status", "active")]))">Services</a></p>
                """
        }
    }

    /// What codes were made and what became of them (A4).
    private static func sales(_ codes: Row?, _ view: some PageView) -> HTML {
        guard let stats = codes?.row("stats") else { return "" }
        return Panel("Codes", actions: Button("All codes", .quiet, leadsTo: view.link("/codes")).html) {
            """
            <p class="figure">\(Figure.grouped(stats.int("totalCodes")))</p>
            <p>made, \(Figure.grouped(stats.int("redeemedCodes"))) of them redeemed</p>
            """
        }.html
    }

    private static func recent(_ orders: Row, _ view: some PageView) -> Panel {
        Panel("Latest orders", actions: Button("All orders", .quiet, leadsTo: view.link("/orders")).html) {
            "\(orderTable(orders.rows(), view))"
        }
    }

    // MARK: The first steps

    private static func start(_ overview: Row, _ view: some PageView) -> HTML {
        // Whoever may not order, say while suspended, could take none of the steps.
        guard let steps = overview.row("steps"), view.visit.has(dialect: orderDialect), !steps.bool("has_order"),
            view.may(.post, "/orders")
        else { return "" }
        let all: [(isDone: Bool, title: String, link: Link, about: String)] = [
            (steps.bool("has_key"), "Make an API key", view.link("/api"), "Begin with a test key: it charges nothing."),
            (
                steps.bool("has_webhook"), "Say where events go", view.link("/webhooks"),
                "Your shop hears of orders and renewals."
            ),
            (
                steps.bool("has_test_order"), "Place a test order", view.link("/api"),
                "By the API, with the test key: the lines to copy are there."
            ),
            (false, "Place your first order", view.link("/orders/new"), "Here, or by the API with a live key."),
        ]
        let next = all.firstIndex { !$0.isDone }
        return Panel("Get started") {
            """
            <ol class="steps">\(each: all.enumerated(), { index, step in
                let done: HTML = #"<li class="done"><span class="unseen">Done: </span>\#(step.title)</li>"#
                var here = Attributes()
                here.set("aria-current", index == next ? "step" : nil)
                return step.isDone
                    ? done : #"<li\#(here)><a href="\#(step.link)">\#(step.title)</a><p>\#(step.about)</p></li>"#
            })</ol>
            """
        }.html
    }

    // MARK: Before approval

    /// Somebody who applied or was invited: what happens next, and what can be tried meanwhile.
    private static func waiting(_ account: Row, _ program: Row, _ view: some PageView) -> PageContent {
        let asks = program.rows("contacts").map { contact -> HTML in
            "<li>\(contact["name"].isEmpty ? "" : "\(contact["name"]), ")<code>\(contact["email"])</code></li>"
        }
        let steps: HTML = """
            <ol class="steps"><li class="done"><span class="unseen">Done: </span>Your account was made \
            \(view.when(account["created_at"]))</li><li aria-current="step">\(program["name"]) decides<p>Nothing is left for \
            you to do. You sign in here as before, and see that you are approved.</p></li>\
            <li>You get prices, top up, and order</li></ol>
            """
        let own = OwnAPI.of(view)
        let isOfOrders = own.dialect == orderDialect
        let sandbox: HTML = """
            <p>The sandbox is open to you now: it has its own \(isOfOrders ? "orders, services and events" : "book"), and \
            charges nothing.</p>
            <ol><li>Make a test key\(isOfOrders ? " and a signing secret" : "") at \
            <a href="\(view.link("/api"))">API settings</a>.</li>
            <li>Copy the lines that are shown there\(isOfOrders ? ", and place a test order" : "").</li>
            <li>Once you are approved, the test key goes on, and live keys can be made.</li></ol>
            """
        return PageContent(
            "Waiting for approval", sub: "\(account["name"]) · \(State("pending"))",
            """
            <div class="cols">\(Panel("What happens next") { steps })\
            \(if: program.bool("sandbox_before_approval") && own.offersKeys(view), "\(Panel("Try it meanwhile") { sandbox })")</div>
            \(activation(program, view))\
            \(if: !asks.isEmpty, "\(Panel("Whom to ask") { "<ul>\(asks)</ul>" })")
            """)
    }

    /// Where the tenant lets resellers begin by themselves.
    static func activation(_ program: Row, _ view: some PageView) -> HTML {
        let api = "/api/reseller"
        guard program["status"] == "pending", program.bool("self_activation"),
            view.visit.has(dialect: codeDialect), view.may(.post, "/activate", of: api)
        else { return "" }
        return Panel("Activate your account") {
            """
            <p>You may begin by yourself: activated, you make codes from your balance.</p>
            \(view.button("Activate", "POST \(api)/activate", said: .activated, .primary, next: view.link("")))
            """
        }.html
    }
}
