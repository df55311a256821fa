import HTTPClient
import HTTPCore

/// Where a reseller's events go, through the API of wholesale orders (W6, H4).
enum OwnWebhookCommands {
    static let commands = [webhooks, webhook, add, change, test, rotate, remove] + moves

    private static let api = CalledAPI.wholesale
    private static let webhookID = ["WEBHOOK_ID"]

    private static let webhooks = api.list(
        "my webhooks", "List your webhooks: their state, and what waits for them", "/webhooks",
        columns: [
            "id", "name", "url", "state", "disabled_reason", "health.failing_since", "health.last_outcome",
            "deliveries.pending", "deliveries.held", "deliveries.dead",
        ],
        empty: "no webhooks")

    private static let webhook = api.call(
        "GET", "my webhook", "Show a webhook of yours, its health, and what waits for it", "/webhooks/{}",
        arguments: webhookID)

    // MARK: Terms

    private static let pace = [
        Option("--concurrency", "N", "How many calls to it run at once, 1 to 64 (8)"),
        Option("--max-per-second", "N", "How many calls to it begin in a second, 1 to 1000; none: no limit (none)"),
    ]

    private static let add = Command(
        "my webhook-add", "Add a webhook; its signing secret is shown once", arguments: ["NAME", "URL"],
        options: [Option("--type", "TYPE", "Send it events of this type", repeats: true, isRequired: true)] + pace
            + api.options
    ) { invocation in
        let body = try terms(invocation, name: invocation.arguments[0], url: invocation.arguments[1])
        return try showSecret(try api.client(invocation).send("POST", "/webhooks", body: .bytes(body)), invocation)
    }

    private static let change = Command(
        "my webhook-change", "Change a webhook of yours", arguments: webhookID,
        options: [
            Option("--name", "NAME", "What people call it"),
            Option("--address", "URL", "Where it is from now on; what is queued goes there"),
            Option("--type", "TYPE", "Send it events of this type, and of no other", repeats: true),
        ] + pace + api.options
    ) { invocation in
        let body = try terms(invocation, name: invocation.text("--name"), url: invocation.text("--address"))
        let path = CalledAPI.path("/webhooks/{}", invocation)
        try Answers.show(try api.client(invocation).send("PATCH", path, body: .bytes(body)), invocation)
        return ExitCode.ok
    }

    private static func terms(_ invocation: Invocation, name: String?, url: String?) throws -> [UInt8] {
        let numbers = 1...Int(Int32.max)
        let concurrency = try invocation.integer("--concurrency", in: numbers)
        let isUnlimited = invocation.text("--max-per-second") == "none"
        let perSecond = try isUnlimited ? nil : invocation.integer("--max-per-second", in: numbers)
        return JSONWriter.object { json in
            if let name { json.field("name", name) }
            if let url { json.field("url", url) }
            if invocation.has("--type") { WebhookCommands.strings("events", invocation.texts("--type"), &json) }
            if let concurrency { json.field("concurrency", concurrency) }
            if invocation.has("--max-per-second") { json.field("max_per_second", perSecond) }
        }
    }

    private static let remove = api.call(
        "DELETE", "my webhook-remove", "Remove a webhook of yours, and drop what is queued for it", "/webhooks/{}",
        arguments: webhookID)

    // MARK: Its secret, and its state

    private static let rotate = Command(
        "my webhook-rotate", "Give a webhook of yours a new signing secret, which is shown once", arguments: webhookID,
        options: [Option("--overlap-seconds", "N", "How long the old secret signs beside it (a day; 0: not at all)")]
            + api.options,
        notes: "The secret of the webhook named default signs orders too: for it --key is the token of somebody who "
            + "signed in (“tollgate my sign-in”)."
    ) { invocation in
        let overlap = try invocation.integer("--overlap-seconds", in: 0...Int(Int32.max))
        let body = JSONWriter.object { json in
            if let overlap { json.field("overlap_seconds", overlap) }
        }
        let path = CalledAPI.path("/webhooks/{}/secret/rotate", invocation)
        return try showSecret(try api.client(invocation).send("POST", path, body: .bytes(body)), invocation)
    }

    private static func showSecret(_ answer: HTTPClientResponse, _ invocation: Invocation) throws -> Int32 {
        let id = (try? Answers.parsed(answer))?["id"]?.text ?? "WEBHOOK_ID"
        try Answers.show(
            answer, invocation, note: "The secret is shown this once.",
            ifLost: "the webhook's secret is lost: give it another with “tollgate my webhook-rotate \(id)”")
        return ExitCode.ok
    }

    private static let test = WebhookCommands.testing(
        "my webhook-test", "Send a test event to a webhook of yours, and show its answer", api)

    private static let moves = [
        ("pause", "Pause a webhook of yours: what is for it is held"),
        ("resume", "Resume a webhook of yours; “tollgate my replay” sends what was held"),
        ("enable", "Enable a webhook of yours that was disabled; “tollgate my replay” sends what was held"),
    ].map { verb, summary in
        api.call("POST", "my webhook-\(verb)", summary, "/webhooks/{}/\(verb)", arguments: webhookID)
    }
}
