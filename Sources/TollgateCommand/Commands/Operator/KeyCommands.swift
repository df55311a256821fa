import HTTPCore

/// Keys of a tenant and their limits, through the operator's API (O1, O2).
enum KeyCommands {
    static let commands =
        [list, show, activity, mint, rotate, revoke]
        + [showLimit, setLimit, removeLimit, resetLimit, rehearseLimit, limitHistory]

    private static let key = ["KEY_ID"]

    private static let filters: [Filter] = [
        .reseller, Filter("--state", "STATE", "active or ended (both)"),
        Filter("--key-mode", "MODE", "live or test (both)"),
        Filter("--find", "TEXT", "Whose id, shown part, name or owner's address begins so, in any case", named: "q"),
    ]

    private static let list = Command(
        "key list", "List a tenant's keys",
        options: Filter.options(filters) + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let query = Filter.query(filters, invocation)
        let rows = try Pages.rows("/api-keys", query: query, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = [
                "id", "prefix", "name", "role", "mode", "owner_email", "scopes", "limit", "expires_at", "revoked_at",
            ]
            try Answers.table(rows, columns: columns, empty: "no keys")
        }
        return ExitCode.ok
    }

    private static let show = CalledAPI.owner.call(
        "GET", "key show", "Show a key", "/api-keys/{}", arguments: key)

    private static let activity = CalledAPI.owner.list(
        "key activity", "List keys with their calls of the last day, and when they were last used",
        "/api-keys/activity",
        filters: filters + [Filter("--by-key", "KEY_ID", "Of one key", named: "key")],
        columns: ["id", "prefix", "name", "owner_email", "reseller", "mode", "last_used_at", "requests", "refused"],
        empty: "no keys")

    private static let mint = Command(
        "key mint", "Mint a key",
        options: [
            Option("--owner-email", "EMAIL", "The account that its calls are attributed to", isRequired: true),
            Option("--scope", "SCOPE", "What it may do (all of the tenant's dialects)", repeats: true),
            Option("--name", "NAME", "What people call it"),
            Option("--mode", "MODE", "live or test (live)"),
            Option("--role", "ROLE", "operator or support: a key for this API; support only reads"),
            Option("--expires-at", "TIME", "RFC 3339 or a day"),
            Option("--limit", "R/W[/B]", "Its own limit, say 1000/60"),
        ] + GatewayClient.ownerOptions
    ) { invocation in
        let limit = try invocation.text("--limit").map { try TenantChange.limit($0, of: "--limit") }
        let body = try JSONWriter.object { json in
            json.field("owner_email", try invocation.required("--owner-email"))
            if invocation.has("--scope") {
                json.array("scopes") { json in for scope in invocation.texts("--scope") { json.element(scope) } }
            }
            if let name = invocation.text("--name") { json.field("name", name) }
            if let mode = invocation.text("--mode") { json.field("mode", mode) }
            if let role = invocation.text("--role") { json.field("role", role) }
            if let end = invocation.time("--expires-at") { json.field("expires_at", end) }
            if let limit { json.field("limit", JSON.object(limit)) }
        }
        let answer = try GatewayClient.owner(invocation).send("POST", "/api-keys", body: .bytes(body))
        let id = (try? Answers.parsed(answer))?["id"]?.text ?? "KEY_ID"
        try Answers.show(
            answer, invocation, note: "The key is shown this once.",
            ifLost: "the new key is lost, and good all the same: revoke it with “tollgate key revoke \(id)”")
        return ExitCode.ok
    }

    private static let rotate = Command(
        "key rotate", "Give a key a new secret; its id and limits stay", arguments: ["KEY_ID"],
        options: [overlap] + GatewayClient.ownerOptions
    ) { invocation in
        try giveNewSecret(path(invocation), .owner, invocation)
    }

    static let overlap = Option("--overlap-seconds", "N", "How long the old secret lives on (0)")

    /// To the key of this path, an operator's or one's own.
    static func giveNewSecret(_ path: String, _ api: CalledAPI, _ invocation: Invocation) throws -> Int32 {
        let overlap = try invocation.integer("--overlap-seconds", in: 0...Int(Int32.max)) ?? 0
        let body = JSONWriter.object { $0.field("overlap_seconds", overlap) }
        let answer = try api.client(invocation).send("POST", path + "/rotate", body: .bytes(body))
        try Answers.show(
            answer, invocation, note: "The key is shown this once.",
            ifLost: "the new secret is lost: rotate the key again, or revoke it")
        return ExitCode.ok
    }

    private static let revoke = Command(
        "key revoke", "Revoke a key for ever", arguments: ["KEY_ID"], options: GatewayClient.ownerOptions
    ) { invocation in
        try Answers.show(try GatewayClient.owner(invocation).send("DELETE", path(invocation)), invocation)
        return ExitCode.ok
    }

    private static let showLimit = Command(
        "limit show", "Show a key's limit, and how much of it is left", arguments: key,
        options: GatewayClient.ownerOptions
    ) { invocation in
        let answer = try GatewayClient.owner(invocation).send("GET", path(invocation) + "/limit")
        if invocation.has("--json") {
            try Answers.show(answer, invocation)
            return ExitCode.ok
        }
        let json = try Answers.parsed(answer)
        guard let limit = json["limit"], limit != .null else {
            try Output.line("the key has no limit of its own: its reseller's holds for it")
            return ExitCode.ok
        }
        for name in ["requests", "window_seconds", "burst", "remaining", "reset"] {
            try Answers.line(name, limit[name])
        }
        return ExitCode.ok
    }

    private static let setLimit = Command(
        "limit set", "Set a key's limit; it holds at once", arguments: ["KEY_ID", "R/W[/B]"],
        options: GatewayClient.ownerOptions, notes: "1000/60/50 lets 1000 requests in 60 seconds pass, 50 at once."
    ) { invocation in
        let body = JSON.object(try TenantChange.limit(invocation.arguments[1], of: "limit set")).encoded()
        let answer = try GatewayClient.owner(invocation).send("PUT", path(invocation) + "/limit", body: .bytes(body))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let removeLimit = Command(
        "limit remove", "Take a key's own limit away", arguments: ["KEY_ID"], options: GatewayClient.ownerOptions
    ) { invocation in
        try Answers.show(try GatewayClient.owner(invocation).send("DELETE", path(invocation) + "/limit"), invocation)
        return ExitCode.ok
    }

    private static let resetLimit = Command(
        "limit reset", "Fill a key's own limit again", arguments: ["KEY_ID"], options: GatewayClient.ownerOptions
    ) { invocation in
        let answer = try GatewayClient.owner(invocation).send("POST", path(invocation) + "/limit/reset")
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    static let rehearsedDays = Option("--days", "N", "How many days back, 1 to 31 (7)")
    static let rehearsed =
        "Nothing is changed. The last line is the smallest limit that refuses fewer than one call of 1,000."

    private static let rehearseLimit = Command(
        "limit rehearse", "Try a limit on a key's calls in the audit log", arguments: ["KEY_ID", "R/W[/B]"],
        options: [rehearsedDays] + GatewayClient.ownerOptions, notes: rehearsed
    ) { invocation in
        try rehearse(path(invocation) + "/limit/rehearse", invocation)
    }

    private static let limitHistory = CalledAPI.owner.list(
        "limit history", "List changes of a key's own limit, newest first: who, when, from, to",
        "/api-keys/{}/limit/history", arguments: key, columns: limitColumns, empty: "no changes", isOnePage: true)

    /// Of changes of a limit, whoever's it is.
    static let limitColumns = ["at", "account", "key", "from", "to", "request_id"]

    /// Tries the limit of the second argument, a key's or a reseller's.
    static func rehearse(_ path: String, _ invocation: Invocation) throws -> Int32 {
        var members = try TenantChange.limit(invocation.arguments[1], of: invocation.command.name)
        if let days = try invocation.integer("--days", in: 1...31) {
            members.append(JSONMember(name: "days", value: .number(JSONNumber(Int64(days)))))
        }
        let body = JSON.object(members).encoded()
        let answer = try GatewayClient.owner(invocation).send(
            "POST", path, body: .bytes(body), isLong: true)
        if invocation.has("--json") {
            try Answers.show(answer, invocation)
            return ExitCode.ok
        }
        let json = try Answers.parsed(answer)
        guard case .array(let hours)? = json["hours"] else { throw CommandFailure.failed("the answer has no hours") }
        let columns = ["hour", "key", "asked", "refused_then", "would_be_refused", "counted_only"]
        try Answers.table(hours, columns: columns, empty: "no calls")
        for name in columns.dropFirst(2) + ["reaches_back_to"] { try Answers.line(name, json[name]) }
        try Answers.line("smallest", json["smallest"])
        return ExitCode.ok
    }

    private static func path(_ invocation: Invocation) -> String {
        "/api-keys/" + invocation.arguments[0].percentEncoded
    }
}
