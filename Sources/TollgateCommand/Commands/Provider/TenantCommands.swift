import HTTPClient
import HTTPCore

/// Creating, listing and reading tenants (P1, P2, P6).
enum TenantCommands {
    static let slug = ["SLUG"]

    static let commands = [create, list, show, change] + states + TenantOwnerCommands.commands

    private static let create = Command(
        "tenant create", "Create a tenant", arguments: slug,
        options: [
            Option("--blueprint", "NAME", "The kind of operator", isRequired: true),
            Option("--owner-email", "EMAIL", "The owner's account", isRequired: true),
            Option("--tier", "TIER", "lite, standard or pro (the blueprint's)"),
            Option("--prefix", "PREFIX", "What its keys begin with (the blueprint's)"),
            Option("--currency", "CODE", "ISO 4217, for ever (the blueprint's)"),
            Option("--password-file", "FILE", "The owner's password is its first line (- is standard input)"),
        ] + GatewayClient.options,
        notes: "Without a password the answer holds an invitation link for the owner."
    ) { invocation in
        let password = try invocation.text("--password-file").map { try PasswordFile.read($0) }
        let body = try JSONWriter.object { json in
            json.field("slug", invocation.arguments[0])
            json.field("blueprint", try invocation.required("--blueprint"))
            json.field("owner_email", try invocation.required("--owner-email"))
            if let tier = invocation.text("--tier") { json.field("tier", tier) }
            if let prefix = invocation.text("--prefix") { json.field("prefix", prefix) }
            if let currency = invocation.text("--currency") { json.field("currency", currency) }
            if let password { json.field("password", password) }
        }
        let answer = try GatewayClient.provider(invocation).send("POST", "/tenants", body: .bytes(body))
        try Answers.show(
            answer, invocation, note: "The owner key is shown this once.",
            ifLost: "the tenant is there and its owner key is lost: “tollgate tenant owner-key "
                + "\(invocation.arguments[0])” issues another")
        return ExitCode.ok
    }

    private static let list = CalledAPI.provider.list(
        "tenant list", "List tenants, or find some", "/tenants",
        filters: [
            Filter(
                "--state", "STATE", "creating, active, suspended, cancelled, refunded, deleting or moved",
                repeats: true),
            Filter("--tier", "TIER", "lite, standard or pro", repeats: true),
            Filter("--blueprint", "NAME", "Of this blueprint", repeats: true),
            Filter("--owner-email", "EMAIL", "Of this owner"),
            Filter("--find", "TEXT", "Whose slug, id, owner's address or domain begins so", named: "q", alias: "--q"),
            Filter("--sort", "ORDER", "name, created, last_request or size; -size begins with the greatest"),
        ],
        columns: [
            "slug", "state", "blueprint", "tier", "owner_email", "counts.resellers", "counts.keys", "bytes",
            "last_request_at",
        ],
        empty: "no tenants")

    private static let show = Command(
        "tenant show", "Show a tenant's state, quotas and counts", arguments: slug, options: GatewayClient.options
    ) { invocation in
        try Answers.show(try GatewayClient.provider(invocation).send("GET", path(invocation)), invocation)
        return ExitCode.ok
    }

    private static let change = Command(
        "tenant change", "Change tier, quotas, rate limit or host names", arguments: slug,
        options: TenantChange.options + GatewayClient.options, notes: TenantChange.notes
    ) { invocation in
        let body = try TenantChange.body(invocation)
        try Answers.show(
            try GatewayClient.provider(invocation).send("PATCH", path(invocation), body: .bytes(body)), invocation)
        return ExitCode.ok
    }

    private static let states = [
        ("suspend", "Suspend a tenant: every call is refused, no data changes"),
        ("resume", "Resume a suspended tenant"),
        ("cancel", "End a tenant with its paid period"), ("refund", "Refund a tenant within 14 days; access ends now"),
        ("undelete", "Take a deletion back that was put off"),
    ].map { verb, summary in
        let options = verb == "cancel" ? [Option("--undo", "Take the cancellation back")] : []
        return Command("tenant \(verb)", summary, arguments: slug, options: options + GatewayClient.options) {
            invocation in
            let name = verb == "undelete" ? "deletion" : verb
            let method = verb == "undelete" || invocation.has("--undo") ? "DELETE" : "POST"
            let answer = try GatewayClient.provider(invocation).send(method, path(invocation) + "/\(name)")
            try say(answer, invocation)
            return ExitCode.ok
        }
    }

    /// The state that the tenant is in now, in a line.
    static func say(_ answer: HTTPClientResponse, _ invocation: Invocation) throws {
        if invocation.has("--json") { return try Answers.show(answer, invocation) }
        let json = try Answers.parsed(answer)
        var parts = ["\(invocation.arguments[0]) is \(json["state"]?.text ?? "changed")"]
        if let end = json["ends_at"]?.text ?? json["ended_at"]?.text { parts.append("its end: \(end)") }
        if let at = json["deletes_at"]?.text { parts.append("it is erased at \(at)") }
        try Output.line(parts.joined(separator: ", "))
    }

    static func path(_ invocation: Invocation) -> String { "/tenants/" + invocation.arguments[0].percentEncoded }
}
