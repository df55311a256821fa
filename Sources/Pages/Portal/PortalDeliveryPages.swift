import CallKit
import HTML
import HTTPCore
import PageKit

/// What became of the events that a reseller's webhooks were told, and telling them again (H4).
extension PortalPages {
    static let deliveries: [Page] = [
        Page("/deliveries", "Deliveries") { view in try deliveryList(view) },
        Page("/deliveries/replay", "Replay deliveries", afterwardsReading: counted) { view in try replay(view) },
        Page("/deliveries/{id}", "Delivery") { view in try delivery(view) },
    ]

    // MARK: The list

    private static let deliveryFilters = ["type", "endpoint", "status_class", "event", "since", "until"]
    private static let testType = "webhook.test"

    private static func deliveryList(_ view: View) throws -> PageContent {
        let own = try OwnAPI.telling(view)
        let asked = (["state"] + deliveryFilters).map { ($0, view.visit.asked($0)) }
        let found = try view.found("\(own.events ?? "")/deliveries", asked + view.asked("cursor"), of: own.base)
        let tabs = view.tabs(
            "State", "state",
            [
                ("All", nil, nil), ("Pending", "pending", nil), ("Delivered", "delivered", nil), ("Dead", "dead", nil),
                ("Held", "held", nil), ("Dropped", "dropped", nil),
            ])
        let types = own.eventTypes(view) + [testType]
        let webhooks = try webhookChoice(own, view)
        let filters = view.filters(
            "/deliveries", keeping: ["state"],
            [
                view.filter("Type", "type", offered(types.map { ($0, $0) }, view.visit.asked("type"))),
                view.filter("Webhook", "endpoint", webhooks),
                view.filter("Status", "status_class", .select(statusClasses)),
                view.filter("Since", "since", .moment), view.filter("Until", "until", .moment),
            ])
        let table = DataTable(
            caption: "Deliveries, newest first",
            columns: [
                Column("Event"), Column("State"), Column("To"), Column("Tries", .number), Column("Last answer"),
                Column("Next"), Column("Made"),
            ],
            rows: found.list.listed.map { line($0, view) },
            empty: view.nothing(
                "No deliveries", "What is sent to your webhooks shows here.", filters: ["state"] + deliveryFilters),
            previous: view.first(), next: view.nextOf(found.list))
        return PageContent(
            "Deliveries", actions: replayButton(found, asked, own, view),
            "\(view.standing(try view.get("/account")))\(tabs)\(filters)\(found.shown(table.html))")
    }

    private static let whichever = [FormField.Option("", "Any")]

    /// Any, each of these, and what is asked for besides, say several of them.
    private static func offered(_ known: [(value: String, text: String)], _ asked: String?) -> FormField.Kind {
        var options = whichever + known.map { FormField.Option($0.value, $0.text) }
        if let asked, !asked.isEmpty, !known.contains(where: { $0.value == asked }) {
            options.append(FormField.Option(asked))
        }
        return .select(options)
    }

    private static let statusClasses = whichever + ["2xx", "3xx", "4xx", "5xx"].map { FormField.Option($0) }

    /// The webhooks to choose from; a field for the id where one page of the API does not have them all.
    private static func webhookChoice(_ own: OwnAPI, _ view: View) throws -> FormField.Kind {
        let list = try view.get("\(own.events ?? "")/webhooks", [], of: own.base)
        guard list.nextCursor == nil else { return .search }
        let known = list.listed.map { (value: $0.any("id", "_id") ?? "", text: $0["name"].shortened) }
        return offered(known, view.visit.asked("endpoint"))
    }

    private static func line(_ one: Row, _ view: View) -> [HTML] {
        [
            view.row(one["type"], view.link("/deliveries", one.any("id", "_id") ?? "")), "\(State(one["state"]))",
            webhook(of: one, view), "\(one["tries"])", lastAnswer(one),
            view.moment(one.any("next_attempt_at", "nextAttemptAt")), view.moment(one.any("created_at", "createdAt")),
        ]
    }

    private static func lastAnswer(_ one: Row) -> HTML {
        Outcome.answer(one.any("last_outcome", "lastOutcome"), status: one.any("last_status", "lastStatus"))
    }

    /// What was dropped was for a webhook that is there no more.
    private static func webhook(of one: Row, _ view: View) -> HTML {
        let name = one.any("endpoint_name", "endpointName") ?? ""
        return one["state"] == "dropped" ? "\(name)" : view.row(name, view.link("/webhooks", one["endpoint"]))
    }

    /// One event is not replayed by a filter, what was dropped has nobody to get it, and a test is sent anew.
    private static func replayButton(
        _ found: Found, _ asked: [(String, String?)], _ own: OwnAPI, _ view: View
    ) -> HTML? {
        guard view.may(.post, "\(own.events ?? "")/deliveries/replay", of: own.base) else { return nil }
        let isOfThese =
            view.isFiltered(["state"] + deliveryFilters) && !found.list.listed.isEmpty
            && view.visit.asked("event") == nil && view.visit.asked("state") != "dropped"
            && view.visit.asked("type") != testType
        guard isOfThese else { return Button("Replay…", leadsTo: view.link("/deliveries/replay")).html }
        let sent = asked.map { ($0.0, $0.0 == "state" ? $0.1 ?? replayable.joined(separator: ",") : $0.1) }
        return Button("Replay these", .primary, leadsTo: view.link("/deliveries/replay", query: sent)).html
    }

    // MARK: One delivery

    private static func delivery(_ view: View) throws -> PageContent {
        let own = try OwnAPI.telling(view)
        let path = "\(own.events ?? "")/deliveries/\(view.visit.segment())"
        let answer = try view.get(path, [], of: own.base)
        let one = answer.row("delivery") ?? answer
        let others = view.link("/deliveries", query: [("event", one["event"])])
        let facts = Facts([
            ("State", "\(State(one["state"]))"), ("Webhook", webhook(of: one, view)),
            ("Event", view.row(one["event"], others)), ("To", "<code>\(one["url"])</code>"),
            ("Made", view.moment(one.any("created_at", "createdAt"))),
            ("Next try", view.moment(one.any("next_attempt_at", "nextAttemptAt"))),
        ])
        let table = DataTable(
            caption: "Attempts",
            columns: [
                Column("Attempt"), Column("When"), Column("Outcome"), Column("Status"), Column("Took", .number),
                Column("Answer"),
            ],
            rows: one.rows("attempts").map { attempt in
                let outcome = attempt["outcome"]
                return [
                    "\(attempt["n"])", view.moment(attempt["at"]),
                    "\(State(Outcome.text(outcome), tone: outcome == "delivered" ? .good : .bad))",
                    "\(attempt.optional("status") ?? "–")", "\(attempt["ms"]) ms",
                    "<code>\(attempt.optional("excerpt") ?? "")</code>",
                ]
            }, empty: Empty("Not tried yet").html)
        let mayRetry = view.may(.post, "\(path)/retry", of: own.base)
        let again = view.button("Send it again", "POST \(own.base)\(path)/retry", said: .retried, .primary)
        return PageContent(
            one["type"],
            sub: "\(view.row("Deliveries", view.link("/deliveries"))) · <code>\(view.visit.parameter())</code>",
            actions: mayRetry ? again.html : nil,
            "\(Panel("Delivery") { facts.html })\(Panel("Attempts") { table.html })")
    }

    // MARK: Replaying

    /// Of what was dropped nobody is left to get it.
    private static let replayable = ["dead", "held", "pending", "delivered"]
    /// What is replayed where nothing else is asked for: what did not arrive, and is not on its way.
    private static let stuck = "dead,held"
    /// As long as what came to nothing is kept.
    private static let keptSeconds: Int64 = 90 * 86_400

    private static func replay(_ view: View) throws -> PageContent {
        let own = try OwnAPI.telling(view)
        try view.expects(.post, "\(own.events ?? "")/deliveries/replay", of: own.base)
        let since = view.visit.asked("since") ?? view.visit.call.now.adding(seconds: -keptSeconds).text
        let states = (view.visit.asked("state") ?? stuck).split(separator: ",").map(String.init)
        let webhooks = try webhookChoice(own, view)
        let form = view.form("POST \(own.eventsCall("/deliveries/replay"))") {
            """
            \(FormField.hidden("dry_run", "true"))<div class="fields">\
            \(view.field("Since", "since", .moment, value: since, hint: "UTC", size: .short))\
            \(view.field(
                "Until", "until", .moment, value: view.visit.asked("until"), hint: "UTC. Empty: until now.",
                isRequired: false, size: .short))</div>\
            \(view.choices("States", "states", replayable, chosen: Set(states)))\(types(own, view))\
            <div class="fields">\(view.field(
                "Webhook", "endpoint", webhooks, value: view.visit.asked("endpoint"), isRequired: false))\
            \(view.field(
                "Status", "status_class", .select(statusClasses), value: view.visit.asked("status_class"),
                hint: "Of the last answer.", isRequired: false))</div>\
            <div class="actions">\(Button("Count them", .primary))</div>
            """
        }
        return PageContent(
            "Replay deliveries", sub: view.row("Deliveries", view.link("/deliveries")),
            "\(Panel("Which") { form.html })")
    }

    /// None that is ticked stands for all of them, those of other APIs of the tenant too.
    private static func types(_ own: OwnAPI, _ view: View) -> HTML {
        let sent = view.visit.attempt.map { $0.pairs.filter { $0.name == "types" }.map { $0.value } }
        let asked = view.visit.asked("type")?.split(separator: ",").map(String.init) ?? []
        let boxes = Choices("Types", name: "types", own.eventTypes(view), chosen: Set(sent ?? asked))
        return #"\#(boxes)<p class="hint">None ticked: events of every type.</p>"#
    }

    /// First how many, then the button that sends so many.
    @Sendable private static func counted(_ view: View, _ call: FormCall, _ row: Row) -> PageContent? {
        guard row.any("dry_run", "dryRun") == "true" else { return nil }
        let count = row.int("count")
        let fields = call.form.filter { !$0.name.hasPrefix("_") && $0.name != "dry_run" && !$0.value.isEmpty }
        let asked = filter(of: fields)
        let others = Button("Other ones", .quiet, leadsTo: view.link("/deliveries/replay", query: asked))
        let title = "Replay deliveries"
        guard count > 0 else {
            return PageContent(
                title,
                Empty(
                    "Nothing to replay",
                    """
                    These filters find nothing that an active webhook could get. What is for one that is paused or \
                    disabled waits until it is enabled.
                    """, actions: others.html
                ).html)
        }
        let shown = view.link("/deliveries", query: asked.filter { $0.0 != "state" })
        let form = view.form("POST \(call.path)", said: .replayed, next: shown) {
            """
            \(each: fields, { FormField.hidden($0.name, $0.value) })<div class="actions">\
            \(Button(count == 1 ? "Replay this 1" : "Replay these \(Figure.grouped(count))", .primary))\(others)</div>
            """
        }
        return PageContent(
            title,
            """
            \(Panel(Figure.counted(count, "delivery", "deliveries")) {
                """
                <p>Each is sent again under its own id and with the same body, so that a shop that knows it can leave it \
                be. What is for a webhook that is paused or disabled is left out.</p>\(facts(of: asked))\(form)
                """
            })
            """)
    }

    /// The filter of the form's fields, by the names that the list has for it.
    private static func filter(of fields: [(name: String, value: String)]) -> [(String, String?)] {
        let names = [
            ("state", "states"), ("type", "types"), ("endpoint", "endpoint"), ("status_class", "status_class"),
            ("since", "since"), ("until", "until"),
        ]
        return names.map { asked, name in
            let values = fields.filter { $0.name == name }.map { $0.value }
            return (asked, values.isEmpty ? nil : values.joined(separator: ","))
        }
    }

    private static func facts(of asked: [(String, String?)]) -> Facts {
        let titles = [
            "state": "States", "type": "Types", "endpoint": "Webhook", "status_class": "Status",
            "since": "Made since", "until": "Until",
        ]
        return Facts(
            asked.map { name, value -> (name: String, value: HTML?) in
                let isTime = name == "since" || name == "until"
                let shown: HTML? = value.map { value in
                    isTime ? TimeText(LocalTime.utc(value) ?? value).html : "\(value.replacing(",", with: ", "))"
                }
                return (titles[name] ?? name, shown)
            })
    }
}
