import HTTPCore

/// The audit log, through the operator's API (O6).
enum AuditCommands {
    static let commands = [list, row, request, head, export, usage]

    private static let filters = [
        Option("--reseller", "ID", "Of one reseller"),
        Option("--by-key", "KEY_ID", "Of one key"),
        Option("--from", "TIME", "RFC 3339, from then on"),
        Option("--to", "TIME", "RFC 3339, before then"),
        Option("--status", "N", "Answered with this status"),
        Option("--account", "EMAIL", "Of one person's keys and sessions"),
        Option("--action", "ROUTE", "Of one route, say “POST /api/partner/v1/orders”"),
        Option("--request-id", "ID", "The one of this Request-Id"),
        Option("--order", "ID", "About one order"),
        Option("--object", "ID", "Writes that name this id: a service, key, webhook, customer"),
        Option("--product", "SKU", "Writes that name this product"),
        Option("--author", "WHO", "operators: what they changed"),
        Option("--without", "WHAT", "sessions: all but the calls by which people sign in and out"),
    ]

    private static let list = Command(
        "audit list", "Search the audit log, newest first",
        options: filters + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let rows = try Pages.rows(
            "/audit", query: query(invocation), isOnePage: true, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            try Answers.table(rows, columns: columns, empty: "no records")
        }
        return ExitCode.ok
    }

    private static let columns = [
        "seq", "at", "reseller", "account", "key", "action", "status", "latency_us", "request_id", "count",
    ]

    private static let row = CalledAPI.owner.call(
        "GET", "audit show", "Show a row of the audit log with its proof, and the calls that it records", "/audit/{}",
        arguments: ["SEQ"],
        filters: [Filter("--request-id", "ID", "Of a row that records many calls: the one of this Request-Id")],
        listing: "records", columns: columns, empty: "no records")

    private static let request = CalledAPI.owner.call(
        "GET", "audit request", "Show all rows of a request with their proofs", "/audit/requests/{}",
        arguments: ["REQUEST_ID"], filters: [Filter("--at", "TIME", "RFC 3339, when it was made: found sooner")],
        listing: "data", columns: ["seq", "kind", "sound", "findings", "signed_head", "hash"], empty: "no rows")

    private static let head = Command(
        "audit head", "Show the audit log's signed head", options: GatewayClient.ownerOptions,
        notes: "Keep it: “tollgate verify FILE --head HEAD” proves later that nothing before it was changed."
    ) { invocation in
        try Answers.show(try GatewayClient.owner(invocation).send("GET", "/audit/head"), invocation)
        return ExitCode.ok
    }

    private static let export = Command(
        "audit export", "Write the audit log to a file",
        options: SavedFile.options("Where to; .csv writes CSV, any other name JSON Lines")
            + [Option("--format", "FORMAT", "csv or jsonl, whatever the name")] + filters + GatewayClient.ownerOptions
    ) { invocation in
        let path = try invocation.required("--output")
        let format = invocation.text("--format") ?? (path.hasSuffix(".csv") ? "csv" : "jsonl")
        guard ["csv", "jsonl"].contains(format) else { throw CommandFailure.usage("--format is csv or jsonl") }
        return try SavedFile.save("/audit.\(format)", query(invocation), from: .owner(invocation), invocation)
    }

    private static func query(_ invocation: Invocation) -> [(String, String)] {
        [
            ("--reseller", "reseller"), ("--by-key", "key"), ("--from", "from"), ("--to", "to"), ("--status", "status"),
            ("--account", "account"), ("--action", "action"), ("--request-id", "request_id"), ("--order", "order"),
            ("--object", "object"), ("--product", "product"), ("--author", "author"),
            ("--without", "without"),
        ].compactMap { option, name in invocation.text(option).map { (name, $0) } }
    }

    private static let usage = Command(
        "audit usage", "Count requests, refusals and orders by hour or day, key, reseller and route",
        options: [
            Option("--by", "PERIOD", "day (the default) or hour; hours are kept for 35 days"),
            Option("--reseller", "ID", "Of one reseller"), Option("--by-key", "KEY_ID", "Of one key"),
            Option("--route", "ROUTE", "Of one route, say “POST /api/partner/v1/orders”"),
            Option("--sort", "COUNT", "By a column, say requests; -requests begins with the greatest"),
            Option("--from", "TIME", "RFC 3339 or a day, from then on"),
            Option("--to", "TIME", "RFC 3339 or a day; its day or hour is the last that counts"),
        ] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let query = [
            ("--by", "by"), ("--reseller", "reseller"), ("--by-key", "key"), ("--route", "route"), ("--sort", "sort"),
            ("--from", "from"), ("--to", "to"),
        ].compactMap { option, name in invocation.text(option).map { (name, $0) } }
        let rows = try Pages.rows("/usage", query: query, isOnePage: true, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = [
                invocation.text("--by") == "hour" ? "hour" : "day", "reseller", "key", "route", "requests",
                "unauthorized", "forbidden", "rate_limited", "other_refusals", "orders",
            ]
            try Answers.table(rows, columns: columns, empty: "no calls")
        }
        return ExitCode.ok
    }
}
