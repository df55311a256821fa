import HTTPCore

/// What a reseller has and sold, through the APIs of activation codes, proxy ports, licence keys and credit reports
/// (A5, X4, L2, C3): each thing is in one API, so that nobody has to name it.
enum OwnSalesCommands {
    static let commands = [codes, ports, analytics, licences, report]

    private static let codes = CalledAPI.codes.call(
        "GET", "my codes", "List your activation codes, newest first", "/codes",
        filters: [
            Filter("--status", "STATUS", "available or redeemed (both)"),
            Filter("--page", "N", "This page of them (the first)"),
        ],
        listing: "codes", columns: ["code", "plan_id", "days", "created_at", "redeemed_by", "redeemed_at"],
        empty: "no codes")

    private static let ports = CalledAPI.ports.list(
        "my ports", "List your proxy ports, newest first", "/ports",
        filters: [
            Filter("--customer", "ID", "Of one end customer", named: "customerId"),
            Filter("--status", "STATUS", "active or expired (both)"),
        ],
        member: "ports",
        columns: [
            "_id", "displayName", "customerId", "countryId", "serverIp", "httpPort", "socksPort", "status", "expiresAt",
        ],
        empty: "no ports", isOnePage: true)

    private static let analytics = CalledAPI.ports.call(
        "GET", "my analytics", "Show what your ports cost you, what they sold for, and the margin, by day and customer",
        "/analytics",
        filters: [
            Filter("--from", "TIME", "RFC 3339 or a day, from then on (30 days ago)"),
            Filter("--to", "TIME", "RFC 3339 or a day, before then (now)"),
        ] + Pages.filters,
        listing: "analytics",
        columns: ["date", "customerId", "externalId", "ports", "renewals", "cost", "price", "margin"],
        empty: "nothing was sold", notes: "The totals are of the whole period, whatever page is shown.")

    private static let licences = Command(
        "my licences", "List your licence keys that are neither assigned nor expired",
        options: SavedFile.options("Write all of them as CSV to this file", isRequired: false) + Pages.options
            + CalledAPI.licences.options
    ) { invocation in
        let (client, key) = (try CalledAPI.licences.client(invocation), try GatewayClient.key(invocation))
        if invocation.has("--output") {
            return try SavedFile.save("/myavailable.csv", [("api_token", key)], from: client, invocation)
        }
        // This API has its key in the body, or in the query where a call has none.
        let body = JSONWriter.object { $0.field("api_token", key) }
        let path = "/myavailable" + Filter.text(Pages.filters, invocation)
        let answer = try client.send("POST", path, body: .bytes(body))
        try Answers.show(
            answer, invocation, listing: "licenses", columns: ["key", "product", "expiration", "created_at"],
            empty: "no licences")
        return ExitCode.ok
    }

    private static let report = CalledAPI.reports.call(
        "GET", "my report", "Show a credit report of yours", "/credit/{}", arguments: ["EVENT_ID"])
}
