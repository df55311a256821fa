import HTTPCore

/// A tenant's own people, and what is one's own of one of them, through the operator's API (O13).
enum PeopleCommands {
    static let commands =
        [list, show, add, change, resetPassword, sessions] + SignInCommands.ofPeople
        + [own, password, ownSessions, ownKeys, ownKey]

    private static let person = ["PERSON"]
    private static let personNote = "PERSON is an id or an e-mail address."
    private static let sessionColumns = ["id", "created_at", "expires_at", "current"]
    static let sessionOptions = ending + Pages.options

    // MARK: By the owner

    private static let list = Command(
        "people list", "List a tenant's people",
        options: [
            Option("--role", "ROLE", "owner, operator or support"), Option("--state", "STATE", "active or disabled"),
            Option("--email", "EMAIL", "The one with this address"),
        ] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let query = [("--role", "role"), ("--state", "state"), ("--email", "email")].compactMap { option, name in
            invocation.text(option).map { (name, $0) }
        }
        let rows = try Pages.rows("/people", query: query, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = ["id", "email", "name", "role", "state", "has_password", "created_at"]
            try Answers.table(rows, columns: columns, empty: "no people")
        }
        return ExitCode.ok
    }

    private static let show = Command(
        "people show", "Show one of a tenant's people", arguments: person, options: GatewayClient.ownerOptions,
        notes: personNote
    ) { invocation in
        let client = try GatewayClient.owner(invocation)
        try Answers.show(try client.send("GET", try path(invocation, client)), invocation)
        return ExitCode.ok
    }

    private static let add = Command(
        "people add", "Make a person, who sets a password through a link", arguments: ["EMAIL"],
        options: [
            Option("--name", "NAME", "Who it is", isRequired: true),
            Option("--role", "ROLE", "owner, operator or support", isRequired: true),
        ] + GatewayClient.ownerOptions,
        notes: "An owner may do everything, an operator all but looking after people and minting keys for others; "
            + "support reads."
    ) { invocation in
        let body = try JSONWriter.object { json in
            json.field("email", invocation.arguments[0])
            json.field("name", try invocation.required("--name"))
            json.field("role", try invocation.required("--role"))
        }
        let answer = try GatewayClient.owner(invocation).send("POST", "/people", body: .bytes(body))
        try Answers.show(
            answer, invocation, note: "The link is shown this once.",
            ifLost: "the person is there, its link is lost: “tollgate people reset-password” makes another")
        return ExitCode.ok
    }

    private static let change = Command(
        "people change", "Change a person's role or state; it holds at once", arguments: person,
        options: [
            Option("--role", "ROLE", "owner, operator or support"), Option("--state", "STATE", "active or disabled"),
            Option("--name", "NAME", "Who it is"),
        ] + GatewayClient.ownerOptions, notes: personNote
    ) { invocation in
        let members = [("--role", "role"), ("--state", "state"), ("--name", "name")].compactMap { option, name in
            invocation.text(option).map { JSONMember(name: name, value: .string($0)) }
        }
        guard !members.isEmpty else { throw CommandFailure.usage("nothing to change: give --role, --state or --name") }
        let client = try GatewayClient.owner(invocation)
        let path = try path(invocation, client)
        try Answers.show(
            try client.send("PATCH", path, body: .bytes(JSON.object(members).encoded())), invocation)
        return ExitCode.ok
    }

    private static let resetPassword = Command(
        "people reset-password", "Make a link by which a person sets a new password", arguments: person,
        options: GatewayClient.ownerOptions,
        notes: personNote + " The link works once, for a day. Once it is used, all of the person's sessions end."
    ) { invocation in
        let client = try GatewayClient.owner(invocation)
        return try makeLink(try path(invocation, client), client, invocation)
    }

    /// A link by which whoever is at this path sets a new password.
    static func makeLink(_ path: String, _ client: GatewayClient, _ invocation: Invocation) throws -> Int32 {
        try Answers.show(
            try client.send("POST", path + "/password-reset"), invocation, note: "The link is shown this once.",
            ifLost: "the link is lost: make another, which takes its place")
        return ExitCode.ok
    }

    private static let sessions = Command(
        "people sessions", "List where a person is signed in, or sign them out", arguments: person,
        options: sessionOptions + GatewayClient.ownerOptions, notes: personNote
    ) { invocation in
        let client = try GatewayClient.owner(invocation)
        return try sessions(try path(invocation, client) + "/sessions", client, invocation)
    }

    // MARK: By oneself

    private static let own = Command(
        "account show", "Show who you are by your key or token", options: GatewayClient.ownerOptions
    ) { invocation in
        try Answers.show(try GatewayClient.owner(invocation).send("GET", "/account"), invocation)
        return ExitCode.ok
    }

    private static let password = Command(
        "account password", "Set a new password; all of your sessions end",
        options: passwordOptions + GatewayClient.ownerOptions, notes: passwordNote
    ) { invocation in
        try setPassword(.owner, invocation)
    }

    static let passwordOptions = [
        Option("--old-file", "FILE", "Its first line is the old password", isRequired: true),
        Option("--new-file", "FILE", "Its first line is the new password", isRequired: true),
    ]
    static let passwordNote = "One of both may be -, standard input."

    /// Of whoever signed in.
    static func setPassword(_ api: CalledAPI, _ invocation: Invocation) throws -> Int32 {
        let old = try PasswordFile.read(try invocation.required("--old-file"))
        let new = try PasswordFile.read(try invocation.required("--new-file"))
        let body = JSONWriter.object { json in
            json.field("old", old)
            json.field("new", new)
        }
        try Answers.show(
            try api.client(invocation).send("POST", "/account/password", body: .bytes(body)), invocation)
        return ExitCode.ok
    }

    private static let ownSessions = Command(
        "account sessions", "List where you are signed in, or sign out elsewhere",
        options: sessionOptions + GatewayClient.ownerOptions
    ) { invocation in
        try sessions("/account/sessions", try .owner(invocation), invocation)
    }

    private static let ownKeys = CalledAPI.owner.list(
        "account keys", "List keys of your own", "/account/keys",
        filters: [Filter("--state", "STATE", "active or ended (all)")],
        columns: ["id", "prefix", "name", "role", "mode", "created_at", "expires_at", "revoked_at"], empty: "no keys")

    private static let ownKey = Command(
        "account key", "Mint a key of your own",
        options: [
            Option("--name", "NAME", "What people call it"), Option("--mode", "MODE", "live or test (live)"),
            Option("--role", "ROLE", "operator or support: the most that it may do"),
            Option("--expires-at", "TIME", "RFC 3339 or a day"),
        ] + GatewayClient.ownerOptions
    ) { invocation in
        try mintOwn("/account/keys", .owner, revoking: "key revoke", invocation)
    }

    /// Mints a key of one's own; `revoking` is the command that revokes it.
    static func mintOwn(
        _ path: String, _ api: CalledAPI, revoking: String, _ invocation: Invocation
    ) throws -> Int32 {
        var members = [
            ("name", invocation.text("--name")), ("mode", invocation.text("--mode")),
            ("role", invocation.text("--role")), ("expires_at", invocation.time("--expires-at")),
        ].compactMap { name, text in text.map { JSONMember(name: name, value: .string($0)) } }
        if invocation.has("--scope") {
            let scopes = invocation.texts("--scope").map { JSON.string($0) }
            members.append(JSONMember(name: "scopes", value: .array(scopes)))
        }
        let answer = try api.client(invocation).send(
            "POST", path, body: .bytes(JSON.object(members).encoded()))
        let id = (try? Answers.parsed(answer))?["id"]?.text ?? "KEY_ID"
        try Answers.show(
            answer, invocation, note: "The key is shown this once.",
            ifLost: "the new key is lost, and good all the same: revoke it with “tollgate \(revoking) \(id)”")
        return ExitCode.ok
    }

    // MARK: Parts

    private static let ending = [
        Option("--end", "SESSION_ID", "End this one"), Option("--end-all", "End all but the one that asks"),
    ]

    /// Lists the sessions of a path, or ends what the options name.
    static func sessions(
        _ path: String, _ client: GatewayClient, _ invocation: Invocation
    ) throws -> Int32 {
        if let id = invocation.text("--end") {
            _ = try client.send("DELETE", "\(path)/\(id.percentEncoded)")
            try Answers.report(invocation, "session \(id) has ended") { json in
                json.field("ok", true)
                json.field("id", id)
            }
            return ExitCode.ok
        }
        if invocation.has("--end-all") {
            try Answers.show(try client.send("DELETE", path), invocation)
            return ExitCode.ok
        }
        let rows = try Pages.rows(path, client, invocation)
        if !invocation.has("--json") { try Answers.table(rows, columns: sessionColumns, empty: "no sessions") }
        return ExitCode.ok
    }

    /// Of the person that the first argument names, by its id or by its address.
    private static func path(_ invocation: Invocation, _ client: GatewayClient) throws -> String {
        let named = invocation.arguments[0]
        guard named.contains("@") else { return "/people/\(named.percentEncoded)" }
        let found = try Answers.parsed(try client.send("GET", "/people?email=\(named.percentEncoded)"))
        guard case .array(let rows)? = found["data"], let id = rows.first?["id"]?.text else {
            throw CommandFailure.failed("no person has the address \(named); “tollgate people list” shows all")
        }
        return "/people/\(id)"
    }
}
