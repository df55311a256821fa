import HTTPCore

/// What a reseller's calls and deliveries do, through the API of wholesale orders (W6, H4).
enum OwnCallCommands {
    static let commands = [usage, requests, deliveries, delivery, retry, replay]

    private static let api = CalledAPI.wholesale
    private static let key = Filter("--by-key", "KEY_ID", "Of one key", named: "key")

    // MARK: Calls

    private static let usage = Command(
        "my usage", "Count your calls, refusals and orders by hour or day, key and route",
        options: Filter.options(counted) + Pages.options + api.options
    ) { invocation in
        let rows = try Pages.rows(
            "/usage", query: Filter.query(counted, invocation), isOnePage: true, try api.client(invocation), invocation)
        if !invocation.has("--json") {
            let columns = [
                invocation.text("--by") == "hour" ? "hour" : "day", "key", "route", "requests", "unauthorized",
                "forbidden", "rate_limited", "other_refusals", "orders",
            ]
            try Answers.table(rows, columns: columns, empty: "no calls")
        }
        return ExitCode.ok
    }

    private static let counted =
        [
            Filter("--by", "PERIOD", "day (the default) or hour; hours are kept for 35 days"), key,
            Filter("--route", "ROUTE", "Of one route, say “POST /api/partner/v1/orders”"),
            Filter("--sort", "COUNT", "By a column, say requests; -requests begins with the greatest"),
        ] + Filter.times

    private static let requests = api.list(
        "my requests", "List your calls one by one, newest first", "/requests",
        filters: [
            Filter("--from", "TIME", "RFC 3339, from then on"), Filter("--to", "TIME", "RFC 3339, before then"), key,
            Filter("--status", "N", "Answered with this status"),
            Filter("--action", "ROUTE", "Of one route, say “POST /api/partner/v1/orders”"),
            Filter("--request-id", "ID", "The one of this Request-Id"), Filter("--order", "ID", "About one order"),
        ],
        columns: ["at", "mode", "key", "route", "status", "latency_us", "request_id", "count"], empty: "no calls",
        isOnePage: true)

    // MARK: Deliveries

    private static let deliveries = api.list(
        "my deliveries", "List deliveries of your events, newest first", "/deliveries",
        filters: [
            Filter("--state", "STATE", "pending, delivered, dead, dropped or held", repeats: true),
            Filter("--type", "TYPE", "Of this type of event", repeats: true),
            Filter("--endpoint", "ID", "To one webhook"), Filter("--event", "ID", "Of one event"),
            Filter("--status-class", "CLASS", "Last answered 1xx to 5xx"),
            Filter("--since", "TIME", "RFC 3339, made from then on"),
            Filter("--until", "TIME", "RFC 3339, made before then"),
        ],
        columns: [
            "id", "created_at", "type", "endpoint_name", "state", "tries", "last_outcome", "last_status",
            "next_attempt_at",
        ],
        empty: "no deliveries", isOnePage: true)

    private static let delivery = api.call(
        "GET", "my delivery", "Show a delivery of yours and its last attempts", "/deliveries/{}",
        arguments: ["DELIVERY_ID"], listing: "attempts",
        columns: ["n", "at", "ms", "outcome", "status", "address", "excerpt"], empty: "not attempted yet")

    private static let retry = api.call(
        "POST", "my retry", "Deliver an event of yours again, now", "/deliveries/{}/retry", arguments: ["DELIVERY_ID"],
        listing: "attempts", columns: ["n", "at", "outcome", "status"], empty: "not attempted yet")

    private static let replay = WebhookCommands.replaying("my replay", .wholesale, more: [])
}
