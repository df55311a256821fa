import HTTPCore

/// What happens by itself, and what needs the operator.
enum DueCommands {
    static let commands = [overview, due, attention, resume]

    private static let overview = CalledAPI.owner.call(
        "GET", "overview", "Count resellers by state, and say how far a new tenant has come", "/overview")

    private static let due = Command(
        "due", "List what falls due next, soonest first",
        options: [
            Option("--kind", "KIND", "Of one kind, say delivery or renewal"),
            Option("--until", "TIME", "RFC 3339, up to then, itself too"),
            Option("--reseller", "ID", "Of one reseller"),
        ] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let query = [("--kind", "kind"), ("--until", "until"), ("--reseller", "reseller")].compactMap { option, name in
            invocation.text(option).map { (name, $0) }
        }
        let rows = try Pages.rows("/due", query: query, isOnePage: true, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = ["at", "kind", "object", "reseller", "mode", "amount", "currency"]
            try Answers.table(rows, columns: columns, empty: "nothing is to come")
        }
        return ExitCode.ok
    }

    private static let attention = Command(
        "attention", "List what needs the operator", options: GatewayClient.ownerOptions
    ) { invocation in
        let answer = try GatewayClient.owner(invocation).send("GET", "/attention")
        guard case .array(let lines)? = try Answers.parsed(answer)["data"], !invocation.has("--json") else {
            try Answers.show(answer, invocation)
            return ExitCode.ok
        }
        if lines.isEmpty { try Output.line("nothing needs you") }
        for line in lines {
            try Answers.line("kind", line["kind"])
            try Answers.line("count", line["count"])
            if case .array(let items)? = line["items"], !items.isEmpty {
                try Answers.table(items, columns: ["object", "since", "reseller", "note"], empty: "")
            }
        }
        return ExitCode.ok
    }

    private static let resume = Command(
        "outbound resume", "Release what has waited since the tenant was restored",
        options: [Option("--keep-held", "Deliveries stay held, to be replayed")] + GatewayClient.ownerOptions
    ) { invocation in
        let body = JSONWriter.object { $0.field("deliveries", invocation.has("--keep-held") ? "keep" : "send") }
        let answer = try GatewayClient.owner(invocation).send(
            "POST", "/outbound/resume", body: .bytes(body), isLong: true)
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }
}
