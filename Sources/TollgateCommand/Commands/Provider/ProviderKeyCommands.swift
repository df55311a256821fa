import HTTPCore

/// The provider's own keys (P8).
enum ProviderKeyCommands {
    static let commands = [list, show, mint, rotate, revoke]

    private static let list = Command(
        "provider-key list", "List provider keys, revoked ones too", options: Pages.options + GatewayClient.options
    ) { invocation in
        let rows = try Pages.rows("/provider-keys", try .provider(invocation), invocation)
        if !invocation.has("--json") {
            let columns = ["id", "name", "role", "prefix", "created_at", "expires_at", "last_used_at", "revoked_at"]
            try Answers.table(rows, columns: columns, empty: "no provider keys")
        }
        return ExitCode.ok
    }

    private static let show = CalledAPI.provider.call(
        "GET", "provider-key show", "Show a provider key", "/provider-keys/{}", arguments: ["KEY_ID"])

    private static let mint = Command(
        "provider-key mint", "Make a provider key", arguments: ["NAME"],
        options: [
            Option("--role", "ROLE", "read (tenants, usage, the log) or admin (everything); read where it is left out"),
            Option("--expires", "TIME", "RFC 3339 or a day; without it the key has no end"),
        ] + GatewayClient.options
    ) { invocation in
        let body = JSONWriter.object { json in
            json.field("name", invocation.arguments[0])
            if let role = invocation.text("--role") { json.field("role", role) }
            if let end = invocation.time("--expires") { json.field("expires_at", end) }
        }
        let answer = try GatewayClient.provider(invocation).send("POST", "/provider-keys", body: .bytes(body))
        let id = (try? Answers.parsed(answer))?["id"]?.text ?? "KEY_ID"
        try Answers.show(
            answer, invocation, note: shownOnce,
            ifLost: "the key is made and its text is lost: revoke it with “tollgate provider-key revoke \(id)”")
        return ExitCode.ok
    }

    private static let rotate = Command(
        "provider-key rotate", "Give a provider key a new secret; without KEY_ID a new key takes the place of all",
        arguments: ["[KEY_ID]"],
        options: [Option("--overlap", "SECONDS", "How long the old secret lives on (0)")] + GatewayClient.options,
        notes: "Without KEY_ID every provider key dies, whoever has it: the way back where all are lost."
    ) { invocation in
        let overlap = try invocation.integer("--overlap", in: 0...Int(Int32.max))
        guard let id = invocation.arguments.first else {
            if overlap != nil { throw CommandFailure.usage("--overlap needs KEY_ID: without one all other keys die") }
            let answer = try GatewayClient.provider(invocation).send("POST", "/provider-key/rotate")
            try Answers.show(
                answer, invocation, note: shownOnce,
                ifLost: "the new provider key is lost, and the one before is dead: run it again")
            return ExitCode.ok
        }
        let body = JSONWriter.object { $0.field("overlap_seconds", overlap ?? 0) }
        let answer = try GatewayClient.provider(invocation).send(
            "POST", path(id) + "/rotate", body: .bytes(body))
        try Answers.show(
            answer, invocation, note: shownOnce,
            ifLost: "the new secret is lost: run it again, over the control socket if need be")
        return ExitCode.ok
    }

    private static let revoke = Command(
        "provider-key revoke", "Revoke a provider key", arguments: ["KEY_ID"], options: GatewayClient.options,
        notes: "The last key of the role admin goes over the control socket alone."
    ) { invocation in
        let answer = try GatewayClient.provider(invocation).send("DELETE", path(invocation.arguments[0]))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let shownOnce = "The provider key is shown this once."

    private static func path(_ id: String) -> String { "/provider-keys/" + id.percentEncoded }
}
