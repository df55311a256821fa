import CallKit
import HTML
import HTTPCore
import PageKit

/// Where a reseller's events go, and what became of each (W10, X6, A8).
extension PortalPages {
    static let webhooks: [Page] = [
        Page("/webhooks", "Webhooks") { view in try endpoints(view) },
        Page("/webhooks/new", "New webhook") { view in try newEndpoint(view) },
        Page("/webhooks/{id}", "Webhook", afterwardsReading: tested) { view in try endpoint(view) },
        Page("/deliveries", "Deliveries") { view in try deliveries(view) },
        Page("/deliveries/replay", "Replay deliveries", afterwardsReading: counted) { view in try replay(view) },
        Page("/deliveries/{id}", "Delivery") { view in try delivery(view) },
    ]

    private static func endpoints(_ view: View) throws -> PageContent {
        let own = try OwnAPI.telling(view)
        let list = try view.get("\(own.events ?? "")/webhooks", [], of: own.base)
        let new: HTML? =
            view.may(.post, "\(own.events ?? "")/webhooks", of: own.base)
            ? Button("New webhook", .primary, leadsTo: view.link("/webhooks/new")).html : nil
        let table = DataTable(
            caption: "Webhooks",
            columns: [
                Column("Name"), Column("State"), Column("Address"), Column("Pending", .number), Column("Dead", .number),
            ],
            rows: list.listed.map { hook in
                let waiting = hook.row("deliveries")
                return [
                    "<a href=\"\(view.link("/webhooks", hook.any("id", "_id") ?? ""))\">\(hook["name"])</a>",
                    "\(State(hook["state"]))", "<code>\(hook["url"])</code>", "\(waiting?["pending"] ?? "")",
                    "\(waiting?["dead"] ?? "")",
                ]
            },
            empty: Empty(
                "No webhooks yet", "Your shop hears of orders, renewals and suspensions at an address of its own.",
                actions: new
            ).html)
        return PageContent(
            "Webhooks", actions: "\(Button("Deliveries", leadsTo: view.link("/deliveries")))\(new)",
            "\(view.standing(try view.get("/account")))\(table)")
    }

    private static func newEndpoint(_ view: View) throws -> PageContent {
        let own = try OwnAPI.telling(view)
        try view.expects(.post, "\(own.events ?? "")/webhooks", of: own.base)
        let form = view.form("POST \(own.eventsCall("/webhooks"))", said: .created, next: view.link("/webhooks")) {
            """
            \(view.field("Name", "name"))\(view.field("Address", "url", .url, hint: "https, answered with 2xx within seconds."))\
            \(events(nil, own, view))<div class="actions">\(Button("Add it", .primary))</div>
            """
        }
        return PageContent("New webhook", "\(Panel("Where to, and what") { form.html })")
    }

    /// Every event that the dialect has, as its API's own schema names them.
    private static func events(_ chosen: [String]?, _ own: OwnAPI, _ view: View) -> HTML {
        let names = view.visit.choices(of: "events", in: .post, own.eventsCall("/webhooks"))
        let ticked = chosen.map { $0.contains("*") ? Set(names) : Set($0) } ?? Set(names)
        return view.choices("Events", "events", names, chosen: ticked)
    }

    private static func endpoint(_ view: View) throws -> PageContent {
        let own = try OwnAPI.telling(view)
        let id = view.visit.parameter()
        let hook = try view.get("\(own.events ?? "")/webhooks/\(id)", [], of: own.base)
        let body = hook.row("webhook") ?? hook
        let path = own.eventsCall("/webhooks/\(id)")
        let health = body.row("health")
        let state = body["state"]
        let mayChange = view.may(.patch, "\(own.events ?? "")/webhooks/\(id)", of: own.base)
        // What an operator disabled, an operator enables, and nobody takes away.
        let isKept = !mayChange || body.any("disabled_reason", "disabledReason") == "operator"
        let moves: HTML =
            switch state {
            case _ where isKept: ""
            case "active": "\(view.button("Pause", "POST \(path)/pause", said: .suspended))"
            case "paused": "\(view.button("Resume", "POST \(path)/resume", said: .resumed))"
            default: "\(view.button("Enable", "POST \(path)/enable", said: .resumed))"
            }
        let change = view.form("PATCH \(path)") {
            """
            \(view.field("Name", "name", value: body["name"]))\(view.field("Address", "url", .url, value: body["url"]))\
            \(events(body.texts("events"), own, view))<div class="actions">\(Button("Save", .primary))</div>
            """
        }
        let facts = Facts([
            ("State", "\(State(state))"),
            ("Why", body.any("disabled_reason", "disabledReason").map { "\($0)" }),
            ("Last success", view.moment(health?.any("last_success_at", "lastSuccessAt"))),
            ("Last failure", view.moment(health?.any("last_failure_at", "lastFailureAt"))),
            ("Failing since", health?.any("failing_since", "failingSince").map { view.moment($0) }),
            ("Pending", "\(body.row("deliveries")?["pending"] ?? "0")"),
            ("Held", "\(body.row("deliveries")?["held"] ?? "0")"),
            ("Dead", "\(body.row("deliveries")?["dead"] ?? "0")"),
        ])
        let test = view.button("Send a test event", "POST \(path)/test", said: .sent, .primary)
        let secret = view.button("Get a new signing secret", "POST \(path)/secret/rotate", said: .rotated, .plain)
        let remove = view.form("DELETE \(path)", said: .removed, next: view.link("/webhooks")) {
            "<p>What waits for it is dropped.</p><div class=\"actions\">\(Button("Remove the webhook", .danger))</div>"
        }
        return PageContent(
            body["name"], sub: "<code>\(id)</code>",
            actions: mayChange ? "\(test)\(moves)" : nil,
            """
            \(view.standing(try view.get("/account")))<div class="cols"><div>\(Panel("Health") { facts.html })\
            \(if: mayChange, "\(Panel("Signing secret") { secret.html })")\
            \(if: !isKept, "\(Panel("Remove") { remove.html })")</div>\
            \(if: !isKept, "\(Panel("Where to, and what") { change.html })")</div>
            """)
    }

    /// What the receiver said to a test, in place.
    @Sendable private static func tested(_ view: View, _ call: FormCall, _ row: Row) -> PageContent? {
        guard call.path.hasSuffix("/test") else { return nil }
        let outcome = row["outcome"]
        let facts = Facts([
            ("Outcome", "\(State(outcome, tone: outcome == "delivered" ? .good : .bad))"),
            ("Status", row.optional("status").map { "\($0)" }), ("Took", "\(row["ms"]) ms"),
            ("Answer", row.optional("excerpt").map { "<code>\($0)</code>" }),
        ])
        return PageContent(
            "Test event",
            "\(Panel("What your shop answered") { facts.html })<p>\(Button("Back to the webhook", leadsTo: view.visit.here()))</p>"
        )
    }

    // MARK: Deliveries

    private static func deliveries(_ view: View) throws -> PageContent {
        let own = try OwnAPI.telling(view)
        let found = try view.found(
            "\(own.events ?? "")/deliveries", view.asked("cursor", "state", "type", "endpoint"), of: own.base)
        let tabs = view.tabs(
            "State", "state",
            [
                ("All", nil, nil), ("Pending", "pending", nil), ("Delivered", "delivered", nil), ("Dead", "dead", nil),
                ("Held", "held", nil),
            ])
        let mayReplay = view.may(.post, "\(own.events ?? "")/deliveries/replay", of: own.base)
        let table = DataTable(
            caption: "Deliveries, newest first",
            columns: [
                Column("Event"), Column("State"), Column("To"), Column("Tries", .number), Column("Next"),
                Column("Made"),
            ],
            rows: found.list.listed.map { one in
                [
                    "<a href=\"\(view.link("/deliveries", one.any("id", "_id") ?? ""))\">\(one["type"])</a>",
                    "\(State(one["state"]))", "\(one.any("endpoint_name", "endpointName") ?? "")", "\(one["tries"])",
                    view.moment(one.any("next_attempt_at", "nextAttemptAt")),
                    view.moment(one.any("created_at", "createdAt")),
                ]
            },
            empty: view.nothing(
                "No deliveries", "What is sent to your webhooks shows here.", filters: ["state", "type", "endpoint"]),
            previous: view.first(), next: view.nextOf(found.list))
        return PageContent(
            "Deliveries",
            actions: mayReplay ? Button("Replay…", leadsTo: view.link("/deliveries/replay")).html : nil,
            "\(view.standing(try view.get("/account")))\(tabs)\(found.shown(table.html))")
    }

    private static func delivery(_ view: View) throws -> PageContent {
        let own = try OwnAPI.telling(view)
        let id = view.visit.parameter()
        let answer = try view.get("\(own.events ?? "")/deliveries/\(id)", [], of: own.base)
        let one = answer.row("delivery") ?? answer
        let facts = Facts([
            ("State", "\(State(one["state"]))"), ("Event", "<code>\(one["event"])</code>"),
            ("To", "<code>\(one["url"])</code>"), ("Made", view.moment(one.any("created_at", "createdAt"))),
            ("Next try", view.moment(one.any("next_attempt_at", "nextAttemptAt"))),
        ])
        let table = DataTable(
            caption: "Attempts",
            columns: [
                Column("Attempt"), Column("When"), Column("Outcome"), Column("Status"), Column("Took", .number),
                Column("Answer"),
            ],
            rows: one.rows("attempts").map { try_ in
                let outcome = try_["outcome"]
                return [
                    "\(try_["n"])", view.moment(try_["at"]),
                    "\(State(outcome, tone: outcome == "delivered" ? .good : .bad))",
                    "\(try_.optional("status") ?? "–")", "\(try_["ms"]) ms",
                    "<code>\(try_.optional("excerpt") ?? "")</code>",
                ]
            }, empty: Empty("Not tried yet").html)
        let mayRetry = view.may(.post, "\(own.events ?? "")/deliveries/\(id)/retry", of: own.base)
        let again = view.button(
            "Send it again", "POST \(own.eventsCall("/deliveries/\(id)/retry"))", said: .retried, .primary)
        return PageContent(
            one["type"], sub: "<code>\(id)</code>", actions: mayRetry ? again.html : nil,
            "\(Panel("Delivery") { facts.html })\(Panel("Attempts") { table.html })")
    }

    private static func replay(_ view: View) throws -> PageContent {
        let own = try OwnAPI.telling(view)
        try view.expects(.post, "\(own.events ?? "")/deliveries/replay", of: own.base)
        let form = view.form("POST \(own.eventsCall("/deliveries/replay"))") {
            """
            \(FormField.hidden("dry_run", "true"))\
            \(view.field("Since", "since", .moment, hint: "UTC", size: .short))\
            \(view.field("States", "states", .select([.init("dead"), .init("held"), .init("pending"), .init("delivered")]), value: "dead"))\
            <div class="actions">\(Button("Count them", .primary))</div>
            """
        }
        return PageContent("Replay deliveries", "\(Panel("Which") { form.html })")
    }

    /// First how many, then the button that sends so many.
    @Sendable private static func counted(_ view: View, _ call: FormCall, _ row: Row) -> PageContent? {
        guard row.any("dry_run", "dryRun") == "true" else { return nil }
        let count = row.int("count")
        let fields = call.form.filter { !$0.name.hasPrefix("_") && $0.name != "dry_run" }
        let form = view.form("POST \(call.path)", said: .replayed, next: view.link("/deliveries")) {
            """
            \(each: fields, { FormField.hidden($0.name, $0.value) })\
            <div class="actions">\(Button("Replay these \(Figure.grouped(count))", .primary))\
            \(Button("Other ones", .quiet, leadsTo: view.visit.here()))</div>
            """
        }
        return PageContent(
            "Replay deliveries",
            "\(Panel("\(Figure.grouped(count)) deliveries") { count == 0 ? "<p>Nothing fits.</p>" : form.html })")
    }
}
