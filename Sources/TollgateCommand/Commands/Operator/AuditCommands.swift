import HTTPCore

/// The audit log, through the operator's API (O6).
enum AuditCommands {
    static let commands = [list, row, request, head, check, export, usage, total, groups]

    private static let searched: [Filter] =
        [Filter.reseller, Filter("--by-key", "KEY_ID", "Of one key", named: "key")] + Filter.times + [
            Filter("--status", "N", "Answered with this status"),
            Filter("--account", "EMAIL", "Of one person's keys and sessions"),
            Filter("--action", "ROUTE", "Of one route, say “POST /api/partner/v1/orders”"),
            Filter("--request-id", "ID", "The one of this Request-Id"),
            Filter("--order", "ID", "About one order"),
            Filter("--object", "ID", "Writes that name this id: a service, key, webhook, customer"),
            Filter("--product", "SKU", "Writes that name this product"),
            Filter("--author", "WHO", "operators: what they changed"),
            Filter("--without", "WHAT", "sessions: all but the calls by which people sign in and out"),
        ]
    private static let filters =
        Filter.options(searched) + [Option("--changes", "What changed something alone")]

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

    private static let check = Command(
        "audit verify", "Verify the audit log's chain from its first row to its head, at the gateway",
        options: [
            Option("--head", "HEAD", "An Audit-Head that was handed out: it must be in the chain")
        ] + GatewayClient.ownerOptions,
        notes: "Exit code 1: it is not what was written. “tollgate verify FILE” proves an export, with no gateway."
    ) { invocation in
        let body = JSONWriter.object { json in
            if let head = invocation.text("--head") { json.field("head", head) }
        }
        let answer = try GatewayClient.owner(invocation).send(
            "POST", "/audit/verify", body: .bytes(body), isLong: true)
        let isSound = try Answers.parsed(answer)["sound"] == .bool(true)
        do throws(CommandFailure) {
            try Answers.show(answer, invocation, listing: "findings", columns: ["seq", "text"], empty: "no findings")
        } catch {
            throw isSound ? error : error.insteadOf(ExitCode.failed)
        }
        return isSound ? ExitCode.ok : ExitCode.failed
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
        Filter.query(searched, invocation) + (invocation.has("--changes") ? [("changes", "true")] : [])
    }

    // MARK: Usage

    static let counts = ["requests", "unauthorized", "forbidden", "rate_limited", "other_refusals", "orders"]
    private static let counted = [
        Filter("--by", "PERIOD", "day (the default) or hour; hours are kept for 35 days"), Filter.reseller,
        Filter("--by-key", "KEY_ID", "Of one key", named: "key"),
        Filter("--route", "ROUTE", "Of one route, say “POST /api/partner/v1/orders”"), callers,
    ]
    static let callers = Filter("--callers", "WHO", "keys: without what people do who signed in (all)")
    static let sort = Filter("--sort", "COUNT", "By a column, say requests; -requests begins with the greatest")

    private static let usage = CalledAPI.owner.usage(
        "audit usage", "Count requests, refusals and orders by hour or day, key, reseller and route",
        filters: counted + [sort] + Filter.periods, columns: ["reseller", "key", "route"] + counts)

    private static let total = CalledAPI.owner.usageTotal(
        "audit usage-total", "Count them for each hour or day, all keys and routes together, oldest first",
        filters: counted + Filter.periods, columns: counts)

    private static let groups = CalledAPI.owner.call(
        "GET", "audit usage-groups", "Count them for each key, reseller or route over the whole time", "/usage/groups",
        filters: counted + [
            Filter("--group", "GROUP", "key (the default), reseller or route"),
            Filter("--sort", "COUNT", "The greatest of this column first (requests)"),
            Filter("--limit", "N", "So many of them (1 to 100)"),
        ] + Filter.periods,
        listing: "data", columns: ["name"] + counts, empty: "no calls")
}

/// Calls that were counted: everybody's for an operator, a reseller's own for itself.
extension CalledAPI {
    func usage(_ name: String, _ summary: String, filters: [Filter], columns: [String]) -> Command {
        Command(name, summary, options: Filter.options(filters) + Pages.options + options) { invocation in
            let rows = try Pages.rows(
                "/usage", query: Filter.query(filters, invocation), isOnePage: true, try client(invocation), invocation)
            if !invocation.has("--json") {
                try Answers.table(rows, columns: [Self.period(invocation)] + columns, empty: "no calls")
            }
            return ExitCode.ok
        }
    }

    func usageTotal(_ name: String, _ summary: String, filters: [Filter], columns: [String]) -> Command {
        Command(name, summary, options: Filter.options(filters) + options) { invocation in
            try Answers.show(
                try client(invocation).send("GET", "/usage/total" + Filter.text(filters, invocation)), invocation,
                listing: "data", columns: [Self.period(invocation)] + columns, empty: "no calls")
            return ExitCode.ok
        }
    }

    private static func period(_ invocation: Invocation) -> String {
        invocation.text("--by") == "hour" ? "hour" : "day"
    }
}
