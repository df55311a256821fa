import HTTPCore

/// Resellers of a tenant: finding them, inviting them, their terms and their moves, through the operator's API (O3).
enum ResellerCommands {
    static let commands =
        [list, show, invite, change] + moves + [invitation, resetPassword, secret, sessions, rehearse, limitHistory]

    private static let id = ["RESELLER_ID"]

    private static let list = Command(
        "reseller list", "List a tenant's resellers, or find some",
        options: [
            Option("--status", "STATUS", "pending, active, suspended or terminated"),
            Option("--email", "EMAIL", "The one with this address"),
            Option("--find", "TEXT", "Those whose id, address, name or company begins so, in any case", alias: "--q"),
            Filter.mode.option,
        ] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let query = [("--status", "status"), ("--email", "email"), ("--find", "q"), ("--mode", "mode")].compactMap {
            option, name in
            invocation.text(option).map { (name, $0) }
        }
        let rows = try Pages.rows("/resellers", query: query, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = [
                "id", "email", "name", "company", "status", "default_discount_rate", "credit_limit", "currency",
                "balance", "api_access", "created_at",
            ]
            try Answers.table(rows, columns: columns, empty: "no resellers")
        }
        return ExitCode.ok
    }

    private static let show = CalledAPI.owner.call(
        "GET", "reseller show", "Show a reseller: who it is, its terms, its balance", "/resellers/{}", arguments: id,
        filters: [.mode])

    private static let invite = Command(
        "reseller invite", "Invite a reseller; it waits for approval",
        options: [
            Option("--email", "EMAIL", "Its person signs in by it", isRequired: true),
            Option("--name", "NAME", "What people call it", isRequired: true),
            Option("--company", "COMPANY", "The company behind it"),
            Option("--password-file", "FILE", "Its password is the first line (- is standard input)"),
        ] + GatewayClient.ownerOptions,
        notes: "Without a password the answer holds an invitation link."
    ) { invocation in
        let password = try invocation.text("--password-file").map { try PasswordFile.read($0) }
        let body = try JSONWriter.object { json in
            json.field("email", try invocation.required("--email"))
            json.field("name", try invocation.required("--name"))
            if let company = invocation.text("--company") { json.field("company", company) }
            if let password { json.field("password", password) }
        }
        let answer = try GatewayClient.owner(invocation).send("POST", "/resellers", body: .bytes(body))
        let id = (try? Answers.parsed(answer))?["id"]?.text ?? "RESELLER_ID"
        let link = password == nil ? "; its link is too: “tollgate reseller invitation \(id)”" : ""
        try Answers.show(
            answer, invocation, note: "Signing secret and link are shown this once.",
            ifLost: "the reseller is there, its signing secret is lost: “tollgate reseller secret \(id)” makes "
                + "another\(link)")
        return ExitCode.ok
    }

    private static let change = Command(
        "reseller change", "Change a reseller's identity, notes and terms", arguments: id,
        options: [
            Option("--email", "EMAIL", "Its person signs in by it from now on"),
            Option("--name", "NAME", "What people call it"),
            Option("--company", "COMPANY", "The company behind it; none takes it away"),
            Option("--notes", "TEXT", "For operators alone; none takes them away"),
            Option("--discount", "PERCENT", "Off every price that has no rate of its own"),
            Option("--credit-limit", "AMOUNT", "How far its balance may go below zero"),
            Option("--rate-limit", "R/W[/B]", "All requests of the reseller, say 1000/60"),
            Option("--api-access", "on|off", "Whether its keys open anything"),
            Option("--low-balance", "AMOUNT", "It is told when its balance falls below; none: never"),
        ] + GatewayClient.ownerOptions
    ) { invocation in
        let body = try changes(invocation)
        try Answers.show(
            try GatewayClient.owner(invocation).send("PATCH", path(invocation), body: .bytes(body)), invocation)
        return ExitCode.ok
    }

    private static func changes(_ invocation: Invocation) throws(CommandFailure) -> [UInt8] {
        var members: [JSONMember] = []
        func add(_ name: String, _ value: JSON) { members.append(JSONMember(name: name, value: value)) }
        for (option, name) in [
            ("--email", "email"), ("--name", "name"), ("--discount", "default_discount_rate"),
            ("--credit-limit", "credit_limit"),
        ] {
            if let text = invocation.text(option) { add(name, .string(text)) }
        }
        for (option, name) in [
            ("--company", "company"), ("--notes", "notes"), ("--low-balance", "low_balance_threshold"),
        ] {
            if let text = invocation.text(option) { add(name, text == "none" ? .null : .string(text)) }
        }
        if let text = invocation.text("--rate-limit") {
            add("rate_limit", .object(try TenantChange.limit(text, of: "--rate-limit")))
        }
        if let text = invocation.text("--api-access") {
            guard text == "on" || text == "off" else { throw .usage("--api-access takes on or off, not “\(text)”") }
            add("api_access", .bool(text == "on"))
        }
        guard !members.isEmpty else {
            throw .usage("nothing to change; “tollgate help reseller change” lists what there is")
        }
        return JSON.object(members).encoded()
    }

    private static let moves = [
        ("approve", "Approve a reseller: its live keys open from now on"),
        ("suspend", "Suspend a reseller: its keys are refused, its services run on"),
        ("resume", "Resume a suspended reseller"),
        ("terminate", "End a reseller for ever; its services end with their paid term"),
    ].map { verb, summary in
        Command("reseller \(verb)", summary, arguments: id, options: GatewayClient.ownerOptions) { invocation in
            let answer = try GatewayClient.owner(invocation).send("POST", path(invocation) + "/\(verb)")
            if invocation.has("--json") {
                try Answers.show(answer, invocation)
            } else {
                try Output.line("\(invocation.arguments[0]) is \(try Answers.parsed(answer)["status"]?.text ?? verb)")
            }
            return ExitCode.ok
        }
    }

    private static let invitation = Command(
        "reseller invitation", "Make a new invitation link; those before it open nothing", arguments: id,
        options: GatewayClient.ownerOptions
    ) { invocation in
        let answer = try GatewayClient.owner(invocation).send("POST", path(invocation) + "/invitation")
        try Answers.show(
            answer, invocation, note: "The link is shown this once.",
            ifLost: "the link is lost: make another, which ends it")
        return ExitCode.ok
    }

    private static let resetPassword = Command(
        "reseller reset-password", "Make a link by which a reseller sets a new password", arguments: id,
        options: GatewayClient.ownerOptions, notes: "It works once, for 24 hours. The password before holds until then."
    ) { invocation in
        let answer = try GatewayClient.owner(invocation).send("POST", path(invocation) + "/password-reset")
        try Answers.show(
            answer, invocation, note: "The link is shown this once.",
            ifLost: "the link is lost: make another, which ends it")
        return ExitCode.ok
    }

    private static let secret = Command(
        "reseller secret", "Give a reseller a new signing secret", arguments: id,
        options: [
            Option("--overlap-seconds", "N", "How long the old secret signs on (a day)")
        ] + GatewayClient.ownerOptions
    ) { invocation in
        let overlap = try invocation.integer("--overlap-seconds", in: 0...Int(Int32.max))
        let body = JSONWriter.object { json in if let overlap { json.field("overlap_seconds", overlap) } }
        let answer = try GatewayClient.owner(invocation).send(
            "POST", path(invocation) + "/webhook-secret/rotate", body: .bytes(body))
        try Answers.show(
            answer, invocation, note: "The secret is shown this once.",
            ifLost: "the new secret is lost: rotate it again")
        return ExitCode.ok
    }

    private static let sessions = Command(
        "reseller sessions", "List where a reseller is signed in, or sign it out", arguments: id,
        options: PeopleCommands.sessionOptions + GatewayClient.ownerOptions
    ) { invocation in
        try PeopleCommands.sessions(path(invocation) + "/sessions", try .owner(invocation), invocation)
    }

    private static let rehearse = Command(
        "reseller rehearse", "Try a limit on a reseller's calls in the audit log",
        arguments: id + ["R/W[/B]"], options: [KeyCommands.rehearsedDays] + GatewayClient.ownerOptions,
        notes: KeyCommands.rehearsed
    ) { invocation in try KeyCommands.rehearse(path(invocation) + "/rate-limit/rehearse", invocation) }

    private static let limitHistory = CalledAPI.owner.list(
        "reseller limit-history", "List changes of a reseller's limit, newest first: who, when, from, to",
        "/resellers/{}/rate-limit/history", arguments: id, columns: KeyCommands.limitColumns, empty: "no changes",
        isOnePage: true)

    private static func path(_ invocation: Invocation) -> String {
        "/resellers/" + invocation.arguments[0].percentEncoded
    }
}
