import CallKit
import HTML
import HTTPCore
import PageKit

/// Where a reseller's events go, and how each endpoint answers (W10, X6, A8).
extension PortalPages {
    static let webhooks: [Page] = [
        Page("/webhooks", "Webhooks") { view in try endpoints(view) },
        Page("/webhooks/new", "New webhook") { view in try newEndpoint(view) },
        Page("/webhooks/{id}", "Webhook", afterwardsReading: tested) { view in
            try WebhookView(OwnAPI.telling(view), view).content
        },
    ]

    private static func endpoints(_ view: View) throws -> PageContent {
        let own = try OwnAPI.telling(view)
        let list = try view.get("\(own.events ?? "")/webhooks", view.asked("cursor"), of: own.base)
        let new: HTML? =
            view.may(.post, "\(own.events ?? "")/webhooks", of: own.base)
            ? Button("New webhook", .primary, leadsTo: view.link("/webhooks/new")).html : nil
        let table = DataTable(
            caption: "Webhooks",
            columns: [Column("Name"), Column("State"), Column("Address"), Column("Last 50")]
                + WebhookView.waiting.map { Column($0.title, .number) },
            rows: list.listed.map { hook in
                let id = hook.any("id", "_id") ?? ""
                let recent = hook.row("health")?.texts("recent") ?? []
                let about: [HTML] = [
                    view.row(hook["name"], view.link("/webhooks", id)),
                    WebhookView.state(of: hook), "<code>\(hook["url"])</code>", Strip.attempts(recent),
                ]
                return about + WebhookView.waiting.map { WebhookView.count($0.state, of: hook, view) }
            },
            empty: Empty(
                "No webhooks yet", "They tell your shop of orders, renewals and suspensions.",
                actions: new
            ).html, previous: view.first(), next: view.nextOf(list))
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
            \(events(nil, own, view))<div class="actions">\(Button("Add it", .primary))\
            \(Button("Cancel", .quiet, leadsTo: view.link("/webhooks")))</div>
            """
        }
        return PageContent("New webhook", "\(Panel("Where to, and what") { form.html })")
    }

    /// Every event that the dialect has, as its API's own schema names them.
    fileprivate static func events(_ chosen: [String]?, _ own: OwnAPI, _ view: View) -> HTML {
        let names = own.eventTypes(view)
        let ticked = chosen.map { $0.contains("*") ? Set(names) : Set($0) } ?? Set(names)
        return view.choices("Events", "events", names, chosen: ticked)
    }

    /// What the receiver said to a test, in place of the panel that it was sent from.
    @Sendable private static func tested(_ view: View, _ call: FormCall, _ row: Row) throws -> PageContent? {
        guard call.path.hasSuffix("/test") else { return nil }
        return try WebhookView(OwnAPI.telling(view), view, tested: row).content
    }
}

/// One webhook. A value: any thread.
private struct WebhookView {
    /// What its deliveries are, as long as they have not arrived.
    static let waiting: [(title: String, state: String)] = [("Pending", "pending"), ("Held", "held"), ("Dead", "dead")]

    private let hook: Row
    private let standing: HTML
    private let own: OwnAPI
    private let view: View
    /// The answer to a test event; nil where none was sent.
    private let result: Row?

    init(_ own: OwnAPI, _ view: View, tested result: Row? = nil) throws {
        let answer = try view.get("\(own.events ?? "")/webhooks/\(view.visit.segment())", [], of: own.base)
        hook = answer.row("webhook") ?? answer
        standing = view.standing(try view.get("/account"))
        self.own = own
        self.view = view
        self.result = result
    }

    private var id: String { view.visit.parameter() }
    private var call: String { own.eventsCall("/webhooks/\(view.visit.segment())") }
    private var health: Row? { hook.row("health") }
    private var disabledReason: String? { hook.any("disabled_reason", "disabledReason") }

    private func may(_ method: HTTPCore.Method, _ path: String = "") -> Bool {
        view.may(method, "\(own.events ?? "")/webhooks/\(view.visit.segment())\(path)", of: own.base)
    }

    private var mayChange: Bool { may(.patch) }
    /// What an operator disabled, an operator enables, and nobody takes away.
    private var isKept: Bool { !mayChange || disabledReason == "operator" }

    var content: PageContent {
        // The answer to a test is the first that the page tells of.
        let notices: HTML? = result == nil ? "\(standing)\(trouble)" : nil
        return PageContent(
            hook["name"],
            sub: "\(view.row("Webhooks", view.link("/webhooks"))) · <code>\(id)</code> · \(Self.state(of: hook))",
            actions: moves,
            """
            \(notices)<div class="cols"><div>\(answers)\(deliveries)\(test)</div><div>\(terms)\(secret)\(removal)</div></div>
            """)
    }

    // MARK: Parts

    static func state(of hook: Row) -> HTML {
        let isFailing = hook.row("health")?.any("failing_since", "failingSince") != nil
        let reason: HTML? = hook.any("disabled_reason", "disabledReason").map { #" <span class="sub">\#($0)</span>"# }
        return "\(State(hook["state"], tone: hook["state"] == "active" && isFailing ? .warn : nil))\(reason)"
    }

    /// How many of its deliveries are in a state: the way to them.
    static func count(_ state: String, of hook: Row, _ view: View) -> HTML {
        let link = view.link("/deliveries", query: [("endpoint", hook.any("id", "_id")), ("state", state)])
        return #"<a class="n" href="\#(link)">\#(hook.row("deliveries")?.optional(state) ?? "0")</a>"#
    }

    private var moves: HTML? {
        if isKept { return nil }
        switch hook["state"] {
        case "active": return view.button("Pause", "POST \(call)/pause", said: .paused).html
        case "paused": return view.button("Resume", "POST \(call)/resume", said: .resumedHeld).html
        default: return view.button("Enable", "POST \(call)/enable", said: .enabled).html
        }
    }

    private var trouble: HTML? {
        guard hook["state"] == "disabled" else {
            guard let since = health?.any("failing_since", "failingSince") else { return nil }
            let failures = health?.any("failures_in_row", "failuresInRow") ?? ""
            return Notice(.warn, "<p>Failing since \(view.moment(since)): \(failures) failures in a row.</p>").html
        }
        let why =
            switch disabledReason ?? "" {
            case "gone": "It answered 410: it is gone for good."
            case "failing": "It answered with nothing but failures for five days."
            case "operator": "The operator disabled it, and alone can enable it."
            default: ""
            }
        return Notice(
            .bad,
            """
            <p><b>Disabled</b> \(view.moment(hook.any("disabled_at", "disabledAt"))). \(why) What is for it is held until it \
            is enabled and replayed.</p>
            """
        ).html
    }

    private var answers: Panel {
        let last = health?.any("last_outcome", "lastOutcome")
        let status = health?.any("last_status", "lastStatus")
        return Panel("Last 50 attempts", id: "health") {
            """
            <p>\(Strip.attempts(health?.texts("recent") ?? []))</p>\
            \(Facts([
                ("Last answer", last.map { Outcome.answer($0, status: status) }),
                ("Last delivered", view.moment(health?.any("last_success_at", "lastSuccessAt"))),
                ("Last failed", view.moment(health?.any("last_failure_at", "lastFailureAt"))),
            ]))
            """
        }
    }

    private var deliveries: Panel {
        let counts = hook.row("deliveries")
        let isStuck = (counts?.int("held") ?? 0) + (counts?.int("dead") ?? 0) > 0
        let mayReplay = view.may(.post, "\(own.events ?? "")/deliveries/replay", of: own.base)
        let replay: HTML? =
            isStuck && mayReplay && hook["state"] == "active"
            ? Button(
                "Replay what is held or dead",
                leadsTo: view.link("/deliveries/replay", query: [("endpoint", id), ("state", "dead,held")])
            ).html : nil
        let all = Button("All", leadsTo: view.link("/deliveries", query: [("endpoint", id)]))
        return Panel("Deliveries", actions: "\(replay)\(all)") {
            Facts(isRow: true, Self.waiting.map { ($0.title, Self.count($0.state, of: hook, view)) }).html
        }
    }

    private var test: HTML? {
        guard may(.post, "/test") else { return nil }
        let form = view.form("POST \(call)/test", said: .sent, swap: "test") {
            #"<div class="actions">\#(Button(result == nil ? "Send a test event" : "Send another"))</div>"#
        }
        let about: HTML = "<p>Sent once and at once, whatever the webhook's state; no statistics count it.</p>"
        let said = result.map { told($0) } ?? about
        return Panel("Test event", id: "test") { "\(said)\(form)" }.html
    }

    private func told(_ result: Row) -> HTML {
        let isGood = result["outcome"] == "delivered"
        let words = isGood ? "Your shop took it." : "Your shop did not take it: \(Outcome.text(result["outcome"]))."
        let excerpt: HTML? = result.optional("excerpt").map { #"<pre class="code"><code>\#($0)</code></pre>"# }
        return """
            \(Notice(isGood ? .good : .bad, "<p>\(words)</p>"))\
            \(Facts([
                ("Status", result.optional("status").map { "<code>\($0)</code>" }), ("Took", "\(result["ms"]) ms"),
                ("Delivery", result.any("delivery", "deliveryId").map { view.idLink("/deliveries", $0) }),
            ]))\(excerpt)
            """
    }

    // MARK: What it is, and its end

    private var terms: Panel {
        Panel("Where to, and what") {
            if isKept {
                return Facts([
                    ("Address", "<code>\(hook["url"])</code>"),
                    ("Events", "\(hook.texts("events").joined(separator: ", "))"),
                ]).html
            }
            return view.form("PATCH \(call)") {
                """
                \(view.field("Name", "name", value: hook["name"]))\(view.field("Address", "url", .url, value: hook["url"]))\
                \(PortalPages.events(hook.texts("events"), own, view))\
                <div class="actions">\(Button("Save", .primary))</div>
                """
            }.html
        }
    }

    private var secret: HTML? {
        guard mayChange else { return nil }
        let form = view.button("Get a new signing secret", "POST \(call)/secret/rotate", said: .rotated, .plain)
        return Panel("Signing secret") {
            "<p>The new one is shown once. The old one signs on beside it for a day.</p>\(form)"
        }.html
    }

    private var removal: HTML? {
        if isKept { return nil }
        let counts = hook.row("deliveries")
        let waits = ["pending", "held"].map { Int(counts?.optional($0) ?? "") ?? 0 }.reduce(0, +)
        let dropped: HTML =
            waits == 0
            ? "<p>Nothing waits for it.</p>"
            : "<p>What waits for it is dropped: \(Figure.counted(waits, "delivery", "deliveries")).</p>"
        let form = view.form("DELETE \(call)", said: .removed, next: view.link("/webhooks")) {
            #"\#(dropped)<div class="actions">\#(Button("Remove the webhook", .danger))</div>"#
        }
        return Panel("Remove") { form.html }.html
    }
}
