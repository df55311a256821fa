import CallKit
import HTML
import HTTPCore
import PageKit

/// Resellers' webhooks: how each answers, and what an operator does about one that does not (O7, H4).
extension AdminPages {
    static let endpoints: [Page] = [
        Page("/endpoints", "Endpoints") { view in
            // To the API those that fail are active ones.
            let isFailing = view.visit.asked("state") == "failing"
            let found = try view.found(
                "/webhooks",
                view.asked("reseller", "cursor")
                    + (isFailing ? [("failing", "true")] : [("state", view.visit.asked("state"))]))
            let names = try ResellerNames(of: found.rows, view)
            let resellers = try ResellerChoice(view).filter(view)
            let table = DataTable(
                caption: "Endpoints",
                columns: [
                    Column("Endpoint"), Column("Reseller"), Column("State"), Column("Last 50"), Column("Failing since"),
                    Column("Pending", .number), Column("Held", .number), Column("Dead", .number),
                    Column("Actions", .buttons),
                ],
                rows: found.rows.map { line($0, names, view) },
                empty: view.nothing(
                    "No endpoints", "Resellers add webhooks by their API or in their portal.",
                    filters: ["state", "reseller"]),
                previous: view.first(), next: view.next(found.list))
            return PageContent(
                "Endpoints", sub: "Where resellers' events go.",
                """
                \(view.tabs("State", "state", [
                    ("All", nil, nil), ("Active", "active", nil), ("Failing", "failing", nil),
                    ("Paused", "paused", nil), ("Disabled", "disabled", nil),
                ]))\(view.filters("/endpoints", keeping: ["state"], [resellers]))\
                \(found.shown(table.html))
                """)
        },
        Page(inSteps: "/endpoints/{id}", "Endpoint", afterwardsReading: tested) { view in
            let id = view.visit.parameter()
            if view.visit.asked("confirm") == "disable" { return try await disabling(id, view) }
            let changes = try await ChangesPart([("object", id)], view)?.html
            return try await view.reading { view in
                let endpoint = try view.get("/webhooks/\(id)")
                return EndpointView(
                    endpoint: endpoint, names: try ResellerNames(of: [endpoint], view), changes: changes, view: view
                ).content
            }
        },
        // Small, for the panel that is taken anew each few seconds.
        Page("/endpoints/{id}/health", "Health of an endpoint", isWatched: true) { view in
            let endpoint = try view.get("/webhooks/\(view.visit.parameter())")
            return PageContent("Health of \(endpoint["name"])", EndpointView.answers(endpoint, view).html)
        },
    ]

    private static func disabling(_ id: String, _ view: SlowView) async throws -> PageContent {
        try view.expects(.post, "/webhooks/\(id)/disable")
        let endpoint = try await view.get("/webhooks/\(id)")
        let back = view.visit.here([("confirm", nil)])
        if endpoint["state"] == "disabled" { return .elsewhere(back) }
        return view.confirmation(
            "Disable \(endpoint["name"])", sub: #"<a href="\#(back)">\#(endpoint["name"])</a> · <code>\#(id)</code>"#,
            """
            <ul><li>From the answer on nothing is sent to <code>\(endpoint["url"])</code>. What is for it is held.</li>
            <li>Its reseller cannot enable it: only an operator can, and replay what was held.</li></ul>
            """, button: "Disable this endpoint", "POST /webhooks/\(id)/disable", said: .saved, back: back)
    }

    private static func line(_ endpoint: Row, _ names: ResellerNames, _ view: View) -> [HTML] {
        let counts = endpoint.row("deliveries")
        let enable: HTML? =
            endpoint["state"] == "disabled" && endpoint["disabled_reason"] != "terminated"
                && view.may(.post, "/webhooks/\(endpoint["id"])/enable")
            ? view.button(
                "Enable", "POST /webhooks/\(endpoint["id"])/enable", said: .enabled, .plain,
                next: view.link("/endpoints", endpoint["id"])
            ).html : nil
        let reason: HTML? = endpoint.text("disabled_reason").map { #" <span class="sub">\#($0)</span>"# }
        return [
            """
            <a href="\(view.link("/endpoints", endpoint["id"]))">\(view.cut(endpoint["name"]))</a> \
            <span class="sub">\(view.cut(endpoint["url"]))</span>
            """,
            names.link(endpoint["reseller"], view),
            "\(State(endpoint["state"], tone: endpointTone(endpoint)))\(reason)",
            health(endpoint), "\(view.ago(endpoint.row("health")?.text("failing_since")))",
            "\(counts?["pending"] ?? "")", "\(counts?["held"] ?? "")", "\(counts?["dead"] ?? "")", "\(enable)",
        ]
    }

    static func endpointTone(_ endpoint: Row) -> Tone {
        switch endpoint["state"] {
        case "active": endpoint.row("health")?.text("failing_since") == nil ? .good : .warn
        case "disabled": .bad
        default: .quiet
        }
    }

    static func health(_ endpoint: Row) -> HTML {
        Strip.attempts(endpoint.row("health")?.texts("recent") ?? [])
    }

    /// What the receiver of a test-send said, in place.
    @Sendable private static func tested(_ view: View, _ call: FormCall, _ row: Row) -> PageContent? {
        guard call.path.hasSuffix("/test") else { return nil }
        let back = view.visit.here()
        return PageContent(
            "Test event", sub: #"<a href="\#(back)">Endpoint</a>"#,
            """
            \(EndpointView.test(result: row, view))<p>\(Button("Back to the endpoint", leadsTo: back))</p>
            """)
    }
}

/// One endpoint. A value: any thread.
struct EndpointView {
    let endpoint: Row
    let names: ResellerNames
    /// What operators did about it; nil where the reader may not see that.
    let changes: HTML?
    let view: View

    private var id: String { endpoint["id"] }
    private var state: String { endpoint["state"] }
    private var health: Row? { endpoint.row("health") }

    var content: PageContent {
        PageContent(
            endpoint["name"],
            sub: """
                <a href="\(view.link("/endpoints"))">Endpoints</a> · <code>\(id)</code> · \
                \(State(state, tone: AdminPages.endpointTone(endpoint)))\(if: endpoint["mode"] == "test", " · test")
                """,
            actions: moves,
            """
            \(trouble)<div class="cols wide"><div>\(Self.answers(endpoint, view))\(waiting)\(test)</div>\
            <div>\(facts)\(changes)</div></div>
            """)
    }

    private var moves: HTML {
        let mayEnable = state == "disabled" && endpoint["disabled_reason"] != "terminated"
        let offered: [(word: String, path: String, isThere: Bool, said: Said, look: ButtonLook)] = [
            ("Enable", "enable", mayEnable, .enabled, .primary),
            ("Resume", "resume", state == "paused", .resumedHeld, .primary),
            ("Pause", "pause", state == "active", .paused, .plain),
        ]
        let disable: HTML? =
            state != "disabled" && view.may(.post, "/webhooks/\(id)/disable")
            ? Button("Disable…", leadsTo: view.visit.here([("confirm", "disable")])).html : nil
        return """
            \(each: offered.filter { $0.isThere && view.may(.post, "/webhooks/\(id)/\($0.path)") }, { offer in
                view.button(offer.word, "POST /webhooks/\(id)/\(offer.path)", said: offer.said, offer.look).html
            })\(disable)
            """
    }

    private var trouble: HTML? {
        if state == "disabled" {
            let why =
                switch endpoint["disabled_reason"] {
                case "gone": "It answered 410: it is gone for good."
                case "failing": "It answered with nothing but failures for five days."
                case "operator": "An operator disabled it; its reseller cannot enable it."
                default: "Its reseller is terminated."
                }
            return Notice(
                .bad,
                """
                <p><b>Disabled</b> \(view.ago(endpoint.text("disabled_at"))). \(why) What is for it is held until it is \
                enabled and replayed.</p>
                """
            ).html
        }
        guard let since = health?.text("failing_since") else { return nil }
        return Notice(
            .warn,
            "<p>Failing since \(view.ago(since)): \(health?["failures_in_row"] ?? "") failures in a row.</p>"
        ).html
    }

    static func answers(_ endpoint: Row, _ view: View) -> Panel {
        let health = endpoint.row("health")
        let last: HTML? = health?.text("last_outcome").map { outcome in
            let status: HTML? = health?.text("last_status").map { " <code>\($0)</code>" }
            return "\(Outcome.text(outcome))\(status)"
        }
        let source = view.link("/endpoints", endpoint["id"], "health")
        return Panel("Last 50 attempts", id: "health", live: 5, from: source) {
            """
            <p>\(AdminPages.health(endpoint))</p>\
            \(Facts([
                ("Last answer", last), ("Last delivered", view.ago(health?.text("last_success_at"))),
                ("Last failed", view.ago(health?.text("last_failure_at"))),
            ]))
            """
        }
    }

    private var waiting: Panel {
        let counts = endpoint.row("deliveries")
        let states = [("Pending", "pending"), ("Held", "held"), ("Dead", "dead")]
        let replay: HTML? =
            state == "active" && ((counts?.int("held") ?? 0) + (counts?.int("dead") ?? 0) > 0)
                && view.may(.post, "/deliveries/replay")
            ? Button(
                "Replay what is held or dead",
                leadsTo: view.link("/events/replay", query: [("endpoint", id), ("state", "dead,held")])
            ).html : nil
        return Panel(
            "Deliveries",
            actions: "\(replay)\(Button("All", leadsTo: view.link("/events", query: [("endpoint", id)])))"
        ) {
            Facts(
                isRow: true,
                states.map { title, state in
                    let link = view.link("/events", query: [("endpoint", id), ("state", state)])
                    return (title, #"<a class="n" href="\#(link)">\#(counts?[state] ?? "0")</a>"#)
                }
            ).html
        }
    }

    private var facts: Panel {
        Panel("Endpoint") {
            Facts([
                ("Reseller", names.link(endpoint["reseller"], view)), ("Address", "<code>\(endpoint["url"])</code>"),
                ("Events", "\(endpoint.texts("events").joined(separator: ", "))"),
                ("At once", "\(endpoint["concurrency"])"),
                ("A second, at most", endpoint.text("max_per_second").map { "\($0)" }),
                ("Made", TimeText(endpoint["created_at"]).html),
                ("Changed", TimeText(endpoint["updated_at"]).html),
            ]).html
        }
    }

    private var test: HTML? {
        guard view.may(.post, "/webhooks/\(id)/test") else { return nil }
        return Panel("Test event", id: "test") {
            """
            <p>Sent once and at once, whatever the endpoint's state; no statistics count it.</p>\
            \(view.form("POST /webhooks/\(id)/test", said: .sent, swap: "test") {
                #"<div class="actions">\#(Button("Send a test event"))</div>"#
            })
            """
        }.html
    }

    /// In place of the panel that it was sent from.
    static func test(result row: Row, _ view: View) -> Panel {
        let isGood = row["outcome"] == "delivered"
        let again = view.form("POST /webhooks/\(view.visit.parameter())/test", said: .sent, swap: "test") {
            #"<div class="actions">\#(Button("Send another"))</div>"#
        }
        return Panel("Test event", id: "test") {
            """
            \(Notice(isGood ? .good : .bad,
                "<p>\(isGood ? "The receiver took it." : "The receiver did not take it: \(Outcome.text(row["outcome"])).")</p>"))\
            \(Facts([
                ("Status", row.text("status").map { "<code>\($0)</code>" }), ("Took", "\(row["ms"]) ms"),
                ("Address", row.text("address").map { "<code>\($0)</code>" }),
                ("Delivery", view.idLink("/events", row["delivery"])),
            ]))\
            \(row.text("excerpt").map { #"<pre class="code"><code>\#($0)</code></pre>"# })\(again)
            """
        }
    }
}
