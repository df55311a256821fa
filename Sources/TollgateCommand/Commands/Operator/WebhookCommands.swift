import HTTPCore

/// Webhooks and their deliveries, through the operator's API (O7, H4).
enum WebhookCommands {
    static let commands =
        [deliveries, delivery, retry, signature, replay, replays, replayed, webhooks, webhook, test] + moves

    private static let mode = Option("--mode", "MODE", "live or test (the key's)")
    private static let reseller = Option("--reseller", "ID", "Of one reseller")
    private static let endpoint = Option("--endpoint", "ID", "To one webhook")
    private static let statusClass = Option("--status-class", "CLASS", "Last answered 1xx to 5xx")

    private static let deliveries = Command(
        "deliveries list", "List deliveries of webhooks, newest first",
        options: [
            Option("--state", "STATE", "pending, delivered, dead, dropped or held", repeats: true),
            Option("--type", "TYPE", "Of this type of event", repeats: true), endpoint, reseller, statusClass,
            Option("--event", "ID", "Of one event"), Option("--since", "TIME", "RFC 3339, made from then on"),
            Option("--until", "TIME", "RFC 3339, made before then"), mode,
        ] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        var query = [
            ("--endpoint", "endpoint"), ("--reseller", "reseller"), ("--status-class", "status_class"),
            ("--event", "event"), ("--since", "since"), ("--until", "until"), ("--mode", "mode"),
        ].compactMap { option, name in invocation.text(option).map { (name, $0) } }
        for (option, name) in [("--state", "state"), ("--type", "type")] where invocation.has(option) {
            query.append((name, invocation.texts(option).joined(separator: ",")))
        }
        let rows = try Pages.rows("/deliveries", query: query, isOnePage: true, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = [
                "id", "created_at", "reseller", "type", "endpoint", "state", "tries", "last_outcome", "last_status",
                "next_attempt_at",
            ]
            try Answers.table(rows, columns: columns, empty: "no deliveries")
        }
        return ExitCode.ok
    }

    private static let delivery = Command(
        "deliveries show", "Show a delivery and its last attempts", arguments: ["DELIVERY_ID"],
        options: GatewayClient.ownerOptions
    ) { invocation in
        let answer = try GatewayClient.owner(invocation).send("GET", CalledAPI.path("/deliveries/{}", invocation))
        let columns = ["n", "at", "ms", "outcome", "status", "address", "excerpt"]
        try Answers.show(
            answer, invocation, listing: "attempts", columns: columns, empty: "not attempted yet")
        return ExitCode.ok
    }

    private static let retry = Command(
        "deliveries retry", "Deliver again, now", arguments: ["DELIVERY_ID"], options: GatewayClient.ownerOptions
    ) { invocation in
        let answer = try GatewayClient.owner(invocation).send(
            "POST", CalledAPI.path("/deliveries/{}/retry", invocation))
        try Answers.show(answer, invocation, listing: "attempts", columns: [], empty: nil)
        return ExitCode.ok
    }

    private static let replay = replaying("deliveries replay", .owner, more: [reseller, mode])

    private static let signature = Command(
        "deliveries signature", "Say whether a signature that a receiver got is ours", arguments: ["DELIVERY_ID"],
        options: [
            Option("--timestamp", "SECONDS", "Its header webhook-timestamp", isRequired: true),
            Option("--signature", "TEXT", "Its header webhook-signature", isRequired: true),
        ] + GatewayClient.ownerOptions
    ) { invocation in
        let body = try JSONWriter.object { json in
            json.field("timestamp", try invocation.required("--timestamp"))
            json.field("signature", try invocation.required("--signature"))
        }
        let path = CalledAPI.path("/deliveries/{}/signature", invocation)
        try Answers.show(try GatewayClient.owner(invocation).send("POST", path, body: .bytes(body)), invocation)
        return ExitCode.ok
    }

    private static let replays = CalledAPI.owner.list(
        "replay list", "List replays of deliveries, newest first", "/replays", filters: [.mode],
        columns: ["id", "reseller", "state", "count", "waiting", "failing", "delivered", "dead", "held", "dropped"],
        empty: "no replays", isOnePage: true)

    private static let replayed = CalledAPI.owner.call(
        "GET", "replay show", "Show how far a replay of deliveries is", "/replays/{}", arguments: ["REPLAY_ID"])

    private static let chosen = [
        Option("--since", "TIME", "RFC 3339, events made from then on", isRequired: true),
        Option("--until", "TIME", "RFC 3339, events made before then"),
        Option("--type", "TYPE", "Of this type of event", repeats: true),
        Option("--state", "STATE", "pending, delivered, dead or held", repeats: true), statusClass, endpoint,
        Option("--dry-run", "Only count"),
    ]

    /// A command that replays what its filter finds: everybody's for an operator, a reseller's own for itself.
    static func replaying(_ name: String, _ api: CalledAPI, more: [Option]) -> Command {
        Command(
            name, "Deliver again whatever the filter finds, in its order", options: chosen + more + api.options,
            notes: "With --dry-run nothing is sent; the same line without it then sends just what was counted, if "
                + "nothing changed in between."
        ) { invocation in
            try Answers.show(
                try api.client(invocation).send(
                    "POST", "/deliveries/replay", body: .bytes(try replayBody(invocation)), isLong: true),
                invocation)
            return ExitCode.ok
        }
    }

    private static func replayBody(_ invocation: Invocation) throws -> [UInt8] {
        try JSONWriter.object { json in
            json.field("since", try invocation.required("--since"))
            for (option, name) in [
                ("--until", "until"), ("--status-class", "status_class"), ("--endpoint", "endpoint"),
                ("--reseller", "reseller"), ("--mode", "mode"),
            ] {
                if let text = invocation.text(option) { json.field(named: name, .string(text)) }
            }
            if invocation.has("--type") { strings("types", invocation.texts("--type"), &json) }
            if invocation.has("--state") { strings("states", invocation.texts("--state"), &json) }
            json.field("dry_run", invocation.has("--dry-run"))
        }
    }

    private static let webhooks = Command(
        "webhooks list", "List resellers' webhooks: their state, and what waits for them",
        options: [
            Option("--state", "STATE", "active, paused or disabled"),
            Option("--failing", "Only those in use that keep failing"), reseller, mode,
        ] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        var query = [("--state", "state"), ("--reseller", "reseller"), ("--mode", "mode")].compactMap { option, name in
            invocation.text(option).map { (name, $0) }
        }
        if invocation.has("--failing") { query.append(("failing", "true")) }
        let rows = try Pages.rows("/webhooks", query: query, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = [
                "id", "reseller", "name", "url", "state", "disabled_reason", "health.failing_since",
                "health.last_outcome", "deliveries.pending", "deliveries.held", "deliveries.dead",
            ]
            try Answers.table(rows, columns: columns, empty: "no webhooks")
        }
        return ExitCode.ok
    }

    private static let webhookID = ["WEBHOOK_ID"]

    private static let webhook = CalledAPI.owner.call(
        "GET", "webhooks show", "Show a reseller's webhook", "/webhooks/{}", arguments: webhookID)

    private static let test = testing(
        "webhooks test", "Send a test event to a reseller's webhook, and show its answer", .owner)

    /// A command that tests any reseller's webhook, or one's own.
    static func testing(_ name: String, _ summary: String, _ api: CalledAPI) -> Command {
        Command(
            name, summary, arguments: webhookID, options: api.options,
            notes: "Exit code 1 if no readable answer came."
        ) { invocation in
            let answer = try api.client(invocation).send("POST", CalledAPI.path("/webhooks/{}/test", invocation))
            return try Answers.tried(answer, invocation)
        }
    }

    private static let moves = [
        ("pause", "Pause a webhook: what is for it is held"), ("resume", "Resume a webhook that was paused"),
        ("disable", "Disable a webhook: an operator alone enables it again"),
        ("enable", "Enable a webhook, whoever disabled it"),
    ].map { verb, summary in
        CalledAPI.owner.call("POST", "webhooks \(verb)", summary, "/webhooks/{}/\(verb)", arguments: webhookID)
    }

    static func strings(_ name: StaticString, _ texts: [String], _ json: inout JSONWriter) {
        json.array(name) { json in for text in texts { json.element(text) } }
    }
}
