import CallKit
import HTML
import HTTPCore
import PageKit

/// Where an operator begins: what needs somebody, how it goes, what was done (O12).
extension AdminPages {
    static let dashboard: [Page] = [
        Page(inSteps: "", "Dashboard") { view in
            let (overview, attention) = try await view.reading { view in
                (try view.get("/overview"), try view.get("/attention"))
            }
            let range = UsageRange(view)
            let usage = try await view.get("/usage/total", range.query)
            let sales = try await view.get("/usage/total", range.everybody)
            let turnover = try await view.get("/reports/turnover", [("limit", "100")])
            let latest = try await view.get("/audit", Timeline.latest).rows()
            let log = Button("Audit log", .quiet, leadsTo: view.link("/audit"))
            return PageContent(
                "Dashboard", actions: range.switches,
                """
                \(FirstStepsList(overview, view))\(needs(attention, view))
                <div class="panel">\(range.requests(usage))</div>
                <div class="cols"><div class="panel">\(range.orders(sales))</div>\
                <div class="panel">\(turnoverByDay(turnover, view))</div></div>
                \(Timeline(latest, "Recent activity", more: "\(log)", view))
                """)
        },
        Page("/outbound", "Let leave what waits", asks: "POST /outbound/resume") { view in
            let held = try view.get("/attention").rows().first { $0["kind"] == "outbound_held" }
            let form = view.form("POST /outbound/resume", said: .resumed, next: view.link("")) {
                """
                \(view.field(
                    "Webhooks that wait", "deliveries",
                    .radios([
                        .init("send", "Send them", about: "Receivers that have heard of something hear of it again."),
                        .init("keep", "Keep them", about: "They stay held; send them later, one by one or by a filter."),
                    ]), value: "send"))
                <div class="actions">\(Button("Let it leave", .primary))\
                \(Button("Cancel", .quiet, leadsTo: view.link("")))</div>
                """
            }
            let body: HTML =
                held == nil
                ? Empty("Nothing waits", "Webhooks, payments and provisioning leave as they come.").html
                : """
                <p>This tenant was restored to an earlier state. So that nobody hears of things twice that happened \
                before, or of things that have not happened, nothing has left since.</p>\(form)
                """
            return PageContent("Let leave what waits", body)
        },
    ]

    // MARK: What needs somebody

    private static func needs(_ attention: Row, _ view: SlowView) -> Panel {
        Panel("Needs you") {
            let lines = attention.rows()
            if lines.isEmpty { return "<p>Nothing: no order, reseller, webhook or review waits for somebody.</p>" }
            return #"<ul class="needs">\#(each: lines, { need($0, view) })</ul>"#
        }
    }

    private static let lowStock = "stock_low"

    private static func need(_ line: Row, _ view: SlowView) -> HTML {
        let (words, tone, link) = need(of: line["kind"], line.int("count"), view)
        var attributes = Attributes()
        attributes.set("class", tone.rawValue)
        let first = line.rows("items").first
        let about: String? = first.flatMap { item in
            item.text("note").map { line["kind"] == lowStock ? "\(item["object"]): \($0)" : $0 }
        }
        let since: HTML? = first?.text("since").map {
            // Past what is counted there may be an older one.
            let which = line.bool("is_more") ? "some " : line.int("count") > 1 ? "oldest " : ""
            return "\(which)\(TimeText($0, now: view.visit.call.now))"
        }
        let more: HTML? = about.map { "\($0)" } ?? since
        return """
            <li\(attributes)><a href="\(link)">\
            <b>\(Figure.grouped(line.int("count")))\(if: line.bool("is_more"), "+")</b>\
            <span>\(words)</span><small>\(more)</small></a></li>
            """
    }

    /// What so many of a kind of `GET /attention` are called, and where they are looked at.
    private static func need(of kind: String, _ count: Int, _ view: SlowView) -> (String, Tone, Link) {
        // What is counted is of this book.
        let live: (String, String?) = ("mode", "live")
        func words(_ one: String, _ many: String) -> String { count == 1 ? one : many }
        switch kind {
        case "outbound_held": return ("Restored: nothing has left since", .bad, view.link("/outbound"))
        case "orders_pending":
            return (
                words("order waits for you", "orders wait for you"), .warn,
                view.link("/orders", query: [("state", "pending"), live])
            )
        case "provisioning_stuck":
            return (
                words("unit is stuck at the provisioner", "units are stuck at the provisioner"), .bad,
                view.link("/queue")
            )
        case "applications":
            return (
                words("reseller waits for approval", "resellers wait for approval"), .warn,
                view.link("/resellers", query: [("status", "pending")])
            )
        case "webhooks_disabled":
            return (
                words("webhook is switched off", "webhooks are switched off"), .bad,
                view.link("/endpoints", query: [("state", "disabled"), live])
            )
        case "webhooks_failing":
            return (
                words("webhook is failing", "webhooks are failing"), .bad,
                view.link("/endpoints", query: [("state", "failing"), live])
            )
        case "deliveries_dead":
            return (
                words("event was given up on", "events were given up on"), .bad,
                view.link("/events", query: [("state", "dead"), live])
            )
        case "services_past_due":
            return (
                words("service is past due", "services are past due"), .warn,
                view.link("/services", query: [("state", "past_due"), live])
            )
        case lowStock:
            return (
                words("stock is low", "stocks are low"), .warn,
                view.visit.has(dialect: "licence_keys") && !view.visit.has(dialect: "wholesale_orders")
                    ? view.link("/stock/licences") : view.link("/stock/items")
            )
        case "reviews_open":
            return (
                words("account review is open", "account reviews are open"), .warn,
                view.link("/reviews", query: [("status", "open")])
            )
        case "quotas": return (words("quota is nearly used", "quotas are nearly used"), .warn, view.link("/usage"))
        default: return (kind.spaced, .info, view.link("/audit"))
        }
    }

    // MARK: Turnover

    /// It is kept by the day: whichever range the page shows, there are no hours of it. Days without a sale are no
    /// lines of the report.
    private static func turnoverByDay(_ report: Row, _ view: SlowView) -> BarChart {
        let lines = report.rows()
        let days = (0..<daysShown).reversed().map { back in
            String(view.visit.call.now.adding(days: -Int64(back)).text.prefix(10))
        }
        let amounts = Dictionary(
            lines.map { ($0["period"], $0["turnover"]) }, uniquingKeysWith: { first, _ in first })
        let decimals = lines.map { Self.decimals($0["turnover"]) }.max() ?? 0
        let about = [lines.first?["currency"], "sold less given back", "last \(daysShown) days"]
        return BarChart(
            id: "turnover", title: "Turnover by day", unit: about.compactMap { $0 }.joined(separator: " · "),
            step: "Day", labels: days.map { HourSpan.day($0) },
            series: [Series("turnover", days.map { day in amounts[day].map { scaled($0, decimals) } ?? 0 })],
            decimals: decimals, none: "Nothing sold in this time.")
    }

    private static let daysShown = 30

    private static func decimals(_ amount: String) -> Int {
        amount.firstIndex(of: ".").map { amount.distance(from: $0, to: amount.endIndex) - 1 } ?? 0
    }

    /// `12.5` with two decimals: 1250; `-0.4` is -40.
    private static func scaled(_ amount: String, _ decimals: Int) -> Int {
        let padded = amount.filter { $0 != "." } + String(repeating: "0", count: decimals - Self.decimals(amount))
        return Int(padded) ?? 0
    }
}

/// What a new tenant does first; nothing once all of it is done. A value: any thread.
private struct FirstStepsList: MarkupPart {
    let html: HTML

    private struct Step {
        let name: String
        let title: String
        let about: String
        let link: Link
    }

    init(_ overview: Row, _ view: SlowView) {
        let done = overview.row("steps")
        let steps = Self.steps(view)
        let next = steps.firstIndex { !(done?.bool($0.name) ?? true) }
        guard let next else {
            html = ""
            return
        }
        let lines = steps.enumerated().map { index, step in
            Self.line(step, isDone: done?.bool(step.name) ?? true, isNext: index == next)
        }
        html = Panel("First steps") { #"<ol class="steps">\#(lines)</ol>"# }.html
    }

    /// Tenants that only take reports of credit sell nothing themselves.
    private static func steps(_ view: SlowView) -> [Step] {
        let sells = ["wholesale_orders", "activation_codes", "licence_keys"].contains { view.visit.has(dialect: $0) }
        let goods = [
            Step(
                name: "product", title: "Add a product", about: "What resellers sell.", link: view.link("/products")),
            Step(name: "price", title: "Set its price", about: "What they pay for it.", link: view.link("/prices")),
        ]
        let ports = [
            Step(
                name: "product", title: "Import ports", about: "Devices and their ports.",
                link: view.link("/stock/ports")),
            Step(
                name: "price", title: "Price a country", about: "What a port costs there.",
                link: view.link("/settings/countries")),
        ]
        return (sells ? goods : view.visit.has(dialect: "proxy_ports") ? ports : []) + [
            Step(
                name: "reseller", title: "Invite a reseller, and approve it",
                about: "Or share the address of the application form.",
                link: view.may(.post, "/resellers") ? view.link("/resellers/invite") : view.link("/resellers")),
            Step(
                name: "key", title: "Issue its key", about: "Its shop calls by it. It may make its own.",
                link: view.link("/keys")),
            Step(
                name: "sale", title: "See its first order", about: "The test book does for a try.",
                link: view.visit.has(dialect: "wholesale_orders") ? view.link("/orders") : view.link("/resellers")),
        ]
    }

    private static func line(_ step: Step, isDone: Bool, isNext: Bool) -> HTML {
        var attributes = Attributes()
        attributes.set("class", isDone ? "done" : nil)
        attributes.set("aria-current", isNext ? "step" : nil)
        return """
            <li\(attributes)>\(if: isDone, #"<span class="unseen">Done: </span>"#)\
            <a href="\(step.link)">\(step.title)</a>\(if: !isDone, #"<p>\#(step.about)</p>"#)</li>
            """
    }
}
