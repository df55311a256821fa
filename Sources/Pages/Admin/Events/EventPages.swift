import CallKit
import HTML
import HTTPCore
import PageKit
import TenantRegistry

/// Deliveries of events to resellers' webhooks: what became of each, and sending many again (O7, H4).
extension AdminPages {
    static let events: [Page] = [
        Page("/events", "Events") { view in try deliveryList(view) },
        Page(
            "/events/{id}", "Delivery",
            afterwardsReading: { view, call, row in
                call.path.hasSuffix("/signature") ? DeliveryView.checked(row, view) : nil
            }
        ) { view in
            let delivery = try view.get("/deliveries/\(view.visit.parameter())")
            return DeliveryView(
                delivery: delivery, names: try ResellerNames(of: [delivery], view), view: view
            ).content
        },
        Page(inSteps: "/events/replay", "Replay deliveries") { view in
            try await replayForm(view)
        },
        Page("/events/replays", "Replays") { view in try ReplayView.list(view) },
        Page("/events/replays/{id}", "Replay") { view in
            ReplayView.page(try view.get("/replays/\(view.visit.parameter())"), view)
        },
    ]

    // MARK: The list

    private static let deliveryFilters = ["type", "reseller", "endpoint", "status_class", "event", "since", "until"]

    private static func deliveryList(_ view: View) throws -> PageContent {
        let query = (["state"] + deliveryFilters).map { ($0, view.visit.asked($0)) }
        let found = try view.found("/deliveries", query + [("cursor", view.visit.asked("cursor"))])
        let attention = try view.ask("/attention")
        let dead = attention?.waiting("deliveries_dead", view)
        let names = try ResellerNames(of: found.rows, view)
        let resellers = try ResellerChoice(view).filter(view)
        let table = DataTable(
            caption: "Deliveries, newest first",
            columns: [
                Column("Delivery", .id), Column("Event"), Column("Endpoint"), Column("State"),
                Column("Attempts", .number), Column("Last answer"), Column("Queued"),
            ],
            rows: found.rows.map { line($0, names, view) },
            empty: view.nothing(
                "No deliveries", "Each event is delivered to every webhook that is subscribed to it.",
                filters: ["state"] + deliveryFilters),
            previous: view.first(), next: view.next(found.list))
        return PageContent(
            "Events", sub: "What resellers' webhooks were told, and what they answered.",
            actions: """
                \(replayButton(found, query, view))\(Button("Replays", leadsTo: view.link("/events/replays")))
                """,
            """
            \(view.tabs("State", "state", [
                ("All", nil, nil), ("Pending", "pending", nil), ("Delivered", "delivered", nil), ("Dead", "dead", dead),
                ("Held", "held", nil), ("Dropped", "dropped", nil),
            ]))\(view.filters("/events", keeping: ["state"], [
                view.filter("Type", "type"), resellers, view.filter("Endpoint", "endpoint"),
                view.filter("Status", "status_class", .select(
                    [FormField.Option("", "Any")] + ["2xx", "3xx", "4xx", "5xx"].map { FormField.Option($0) })),
                view.filter("Since", "since", .moment), view.filter("Before", "until", .moment),
            ]))\(recent(view))\(switchedOff(attention, view))\(stillTried(found, view))\(found.shown(table.html))
            """)
    }

    /// What is for an endpoint that is disabled is held there: those who look for what did not arrive are told.
    private static func switchedOff(_ attention: Row?, _ view: View) -> HTML? {
        guard let count = attention?.waiting("webhooks_disabled", view),
            ["dead", "held"].contains(view.visit.asked("state"))
        else { return nil }
        return """
            <p class="sub"><a href="\(view.link("/endpoints", query: [("state", "disabled")]))">\
            \(Figure.counted(count, "endpoint was", "endpoints were")) given up</a>: what is held goes out once enabled and \
            replayed.</p>
            """
    }

    /// Those who look for what failed are told where it is until it is given up on.
    private static func stillTried(_ found: Found, _ view: View) -> HTML? {
        guard view.visit.asked("state") == "dead", found.rows.isEmpty, !found.isRefused else { return nil }
        return """
            <p class="sub">What fails is tried for some three days before it is dead. Until then it is \
            <a href="\(view.visit.here([("state", "pending"), ("cursor", nil)]))">pending</a>.</p>
            """
    }

    /// A time is long to type.
    private static func recent(_ view: View) -> HTML {
        let spans: [(title: String, seconds: Int64)] = [
            ("hour", 3_600), ("6 hours", 6 * 3_600), ("day", 86_400), ("7 days", 7 * 86_400),
        ]
        return """
            <p class="sub">Queued within the last \(each: spans, { span -> HTML in
                let since = view.visit.call.now.adding(seconds: -span.seconds).text
                return #"<a href="\#(view.visit.here([("since", since), ("cursor", nil)]))">\#(span.title)</a> "#
            })</p>
            """
    }

    /// One event is not replayed by a filter, and what was dropped has nobody to get it.
    private static func replayButton(
        _ found: Found, _ query: [(String, String?)], _ view: View
    ) -> HTML? {
        guard view.may(.post, "/deliveries/replay"), !found.rows.isEmpty,
            view.visit.asked("event") == nil, view.visit.asked("state") != "dropped"
        else { return nil }
        return Button("Replay these", .primary, leadsTo: view.link("/events/replay", query: query)).html
    }

    private static func line(_ delivery: Row, _ names: ResellerNames, _ view: View) -> [HTML] {
        let next: HTML? = delivery.text("next_attempt_at").map { #" <span class="sub">\#(view.ago($0))</span>"# }
        return [
            view.idLink("/events", delivery["id"]),
            "\(delivery["type"])\(if: delivery.bool("test"), #" <span class="sub">test</span>"#)",
            """
            <a href="\(view.link("/endpoints", delivery["endpoint"]))">\(view.cut(delivery["endpoint_name"]))</a> \
            <span class="sub">of</span> \(names.link(delivery["reseller"], view))
            """, "\(State(delivery["state"], tone: deliveryTone(delivery)))\(next)", "\(delivery["tries"])",
            lastAnswer(delivery), "\(view.ago(delivery["created_at"]))",
        ]
    }

    static func deliveryTone(_ delivery: Row) -> Tone {
        switch delivery["state"] {
        case "delivered": .good
        case "dead": .bad
        case "pending": delivery.int("failures") > 0 ? .warn : .info
        default: .quiet
        }
    }

    /// What came back last: the status, or the word for why there is none.
    static func lastAnswer(_ row: Row) -> HTML {
        Outcome.answer(row.text("last_outcome"), status: row.text("last_status"))
    }

    // MARK: Replaying

    /// What is found is counted before anything is sent.
    private static func replayForm(_ view: SlowView) async throws -> PageContent {
        let since = view.visit.asked("since") ?? view.visit.call.now.adding(seconds: -Self.replayedSeconds).text
        let names = ["state", "type", "reseller", "endpoint", "status_class", "until"]
        let asked = names.map { ($0, view.visit.asked($0)) } + [("since", since)]
        // Whatever the list shows, what waits for its next attempt too; of what was dropped nobody is left to get it.
        let sent = asked.map { ($0.0, $0.0 == "state" ? $0.1 ?? replayable : $0.1) }
        let count = try await view.get("/deliveries/count", sent).int("count")
        let title = "Replay deliveries"
        let sub: HTML = #"<a href="\#(view.link("/events", query: asked))">Events</a>"#
        if count == 0 {
            return PageContent(
                title, sub: sub,
                Empty(
                    "Nothing to replay",
                    """
                    These filters find nothing that an active endpoint could get. What is for one that is paused or \
                    disabled waits until it is enabled.
                    """,
                    actions: """
                        \(unheard(view))\(Button("Back to the list", .quiet, leadsTo: view.link("/events", query: asked)))
                        """
                ).html)
        }
        let number = Figure.grouped(count)
        let form: HTML? = view.may(.post, "/deliveries/replay") ? replaying(count, number, asked, since, view) : nil
        return PageContent(
            title, sub: sub,
            """
            \(Panel(Figure.counted(count, "delivery", "deliveries")) {
                """
                <p>Each is sent again to its endpoint under its own id and with the same body, so that a receiver that knows \
                it can leave it be. New events are not held up meanwhile. What is for an endpoint that is paused or disabled \
                is left out.</p>\(filterFacts(view, since: since))\(form)
                """
            })
            """)
    }

    /// To what keeps them from being sent: the endpoint that was asked for, or those that are disabled.
    private static func unheard(_ view: SlowView) -> Button {
        if let id = view.visit.asked("endpoint") {
            return Button("Its endpoint", .primary, leadsTo: view.link("/endpoints", id))
        }
        return Button(
            "Disabled endpoints", .primary, leadsTo: view.link("/endpoints", query: [("state", "disabled")]))
    }

    private static func replaying(
        _ count: Int, _ number: String, _ asked: [(String, String?)], _ since: String, _ view: SlowView
    ) -> HTML {
        view.form("POST /deliveries/replay", said: .replayed, next: view.link("/events/replays/{id}")) {
            """
            \(hidden(view, since: since))<div class="actions">\
            \(Button(count == 1 ? "Replay this 1" : "Replay these \(number)", .primary))\
            \(Button("Cancel", .quiet, leadsTo: view.link("/events", query: asked)))</div>
            """
        }.html
    }

    private static let replayable = "pending,delivered,dead,held"

    /// As long as what came to nothing is kept.
    private static let replayedSeconds: Int64 = 90 * 86_400

    private static func filterFacts(_ view: SlowView, since: String) -> Facts {
        let named = [("Type", "type"), ("Reseller", "reseller"), ("Endpoint", "endpoint"), ("Status", "status_class")]
        let states = (view.visit.asked("state") ?? replayable).replacing(",", with: ", ")
        var facts: [(name: String, value: HTML?)] = [("States", "\(states)")]
        facts += named.map { title, name -> (name: String, value: HTML?) in
            (title, view.visit.asked(name).map { "\($0)" })
        }
        facts.append(("Queued since", TimeText(since).html))
        facts.append(("Until", view.visit.asked("until").map { TimeText($0).html }))
        return Facts(facts)
    }

    /// A list is a field for each of its values.
    private static func hidden(_ view: SlowView, since: String) -> HTML {
        let lists = [("state", "states"), ("type", "types")].flatMap { asked, name in
            (view.visit.asked(asked) ?? (asked == "state" ? replayable : "")).split(separator: ",").map {
                FormField.hidden(name, String($0))
            }
        }
        let others = ["reseller", "endpoint", "status_class", "until"].compactMap { name in
            view.visit.asked(name).map { FormField.hidden(name, $0) }
        }
        let mode = view.visit.isTest ? FormField.hidden("mode", "test") : ""
        return "\(FormField.hidden("since", since))\(lists)\(others)\(mode)"
    }
}
