import HTTPCore

/// What a reseller's calls and deliveries do, through the API of wholesale orders (W6, H4).
enum OwnCallCommands {
    static let commands = [usage, total, requests, deliveries, delivery, retry, replay]

    private static let api = CalledAPI.wholesale
    private static let key = Filter("--by-key", "KEY_ID", "Of one key", named: "key")

    // MARK: Calls

    private static let counted = [
        Filter("--by", "PERIOD", "day (the default) or hour; hours are kept for 35 days"), key,
        Filter("--route", "ROUTE", "Of one route, say “POST /api/partner/v1/orders”"), AuditCommands.callers,
    ]

    private static let usage = api.usage(
        "my usage", "Count your calls, refusals and orders by hour or day, key and route",
        filters: counted + [AuditCommands.sort] + Filter.periods, columns: ["key", "route"] + AuditCommands.counts)

    private static let total = api.usageTotal(
        "my usage-total", "Count your calls for each hour or day, all keys and routes together, oldest first",
        filters: counted + Filter.periods, columns: AuditCommands.counts)

    private static let requests = api.list(
        "my requests", "List your calls one by one, newest first", "/requests",
        filters: Filter.times + [
            key, Filter("--status", "N", "Answered with this status"),
            Filter("--action", "ROUTE", "Of one route, say “POST /api/partner/v1/orders”"),
            Filter("--request-id", "ID", "The one of this Request-Id"), Filter("--order", "ID", "About one order"),
            AuditCommands.callers,
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
