import HTTPCore

/// Orders and services of all resellers, through the operator's API (O10).
enum OrderCommands {
    static let commands =
        [list, show, export, activate, reject, refund]
        + [services, service, exportServices, charges] + moves + [cancel, keep, reprice, details]

    // MARK: Finding

    private static let filters = [
        Option("--product", "SKU", "Of one product"), Option("--reseller", "ID", "Of one reseller"),
        Option("--customer", "ID", "Of one end customer, by our id or its reseller's"),
        Option("--reference", "TEXT", "Of one reference"),
        Option(
            "--find", "TEXT", "Whose id, reference, customer or e-mail address begins so, in any case", alias: "--q"),
        Option("--from", "TIME", "RFC 3339 or a day, placed from then on"),
        Option("--to", "TIME", "RFC 3339 or a day, placed before then"),
        Option("--mode", "MODE", "live or test (live)"),
    ]
    private static let orderState = Option("--state", "STATE", "pending, completed or rejected", repeats: true)
    private static let serviceFilters =
        [
            Option(
                "--state", "STATE", "pending, active, past_due, suspended or cancelled (all but cancelled)",
                repeats: true),
            Option("--order", "ID", "Of one order"),
        ] + filters

    private static func query(_ invocation: Invocation) -> [(String, String)] {
        var query = [
            ("--product", "product"), ("--reseller", "reseller"), ("--customer", "customer"),
            ("--reference", "reference"), ("--find", "q"), ("--from", "from"), ("--to", "to"), ("--mode", "mode"),
            ("--order", "order"),
        ].compactMap { option, name in invocation.text(option).map { (name, $0) } }
        if invocation.has("--state") { query.append(("state", invocation.texts("--state").joined(separator: ","))) }
        return query
    }

    private static let list = Command(
        "order list", "List orders, newest first, or find some",
        options: [orderState] + filters + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let rows = try Pages.rows(
            "/orders", query: query(invocation), isOnePage: true, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = [
                "id", "created_at", "reseller", "state", "product", "term", "quantity", "customer_external_id",
                "reference", "wholesale_total", "refunded", "currency",
            ]
            try Answers.table(rows, columns: columns, empty: "no orders")
        }
        return ExitCode.ok
    }

    private static let services = Command(
        "service list", "List services, newest first, or find some",
        options: serviceFilters + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let rows = try Pages.rows(
            "/services", query: query(invocation), isOnePage: true, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = [
                "id", "order_id", "created_at", "reseller", "status", "product", "term", "customer_external_id",
                "term_price", "renews_at", "ends_at",
            ]
            try Answers.table(rows, columns: columns, empty: "no services")
        }
        return ExitCode.ok
    }

    private static let export = Command(
        "order export", "Write orders to a CSV file",
        options: SavedFile.options() + [orderState] + filters + GatewayClient.ownerOptions
    ) { invocation in
        try SavedFile.save("/orders.csv", query(invocation), from: .owner(invocation), invocation)
    }

    private static let exportServices = Command(
        "service export", "Write services to a CSV file",
        options: SavedFile.options() + serviceFilters + GatewayClient.ownerOptions
    ) { invocation in
        try SavedFile.save("/services.csv", query(invocation), from: .owner(invocation), invocation)
    }

    // MARK: Orders

    private static let orderID = ["ORDER_ID"]
    private static let listings = [
        Answers.Listing(
            name: "services", columns: ["id", "status", "customer_external_id", "renews_at", "ends_at"],
            empty: "no services"),
        Answers.Listing(
            name: "refunds", columns: ["id", "amount", "reason", "service_id", "refunded_at", "refunded_by"],
            empty: "no refunds"),
    ]

    private static let show = Command(
        "order show", "Show an order, its services and its refunds", arguments: orderID,
        options: GatewayClient.ownerOptions
    ) { invocation in try told(try GatewayClient.owner(invocation).send("GET", path(invocation, "/orders")), invocation)
    }

    private static let activate = Command(
        "order activate", "Carry a pending order out: it is paid, and its services begin", arguments: orderID,
        options: [
            Option("--details-file", "FILE", "A JSON object, name → {value, secret}: what the customer needs")
        ] + GatewayClient.ownerOptions
    ) { invocation in
        let details = try invocation.text("--details-file").map { try ProvisioningCommands.json(in: $0) }
        let body = JSON.object(details.map { [JSONMember(name: "details", value: $0)] } ?? []).encoded()
        return try told(
            try GatewayClient.owner(invocation).send(
                "POST", path(invocation, "/orders") + "/activate", body: .bytes(body)), invocation)
    }

    private static let reject = Command(
        "order reject", "Reject a pending order: what it holds goes back", arguments: orderID,
        options: [Option("--reason", "TEXT", "What the reseller is told")] + GatewayClient.ownerOptions
    ) { invocation in
        let body = JSONWriter.object { json in
            if let reason = invocation.text("--reason") { json.field("reason", reason) }
        }
        return try told(
            try GatewayClient.owner(invocation).send(
                "POST", path(invocation, "/orders") + "/reject", body: .bytes(body)),
            invocation)
    }

    private static let refund = Command(
        "order refund", "Pay something of an order back to the reseller's balance", arguments: orderID,
        options: [
            Option("--amount", "AMOUNT", "How much, say 5.00", isRequired: true),
            Option("--reason", "TEXT", "What the reseller is told", isRequired: true),
            Option("--service", "ID", "Of one of its services"),
            Option("--period", "N", "Of one period of that service; 0 is what the order itself paid"),
            OnceKey.option,
        ] + GatewayClient.ownerOptions,
        notes: OnceKey.note
    ) { invocation in
        let period = try invocation.integer("--period", in: 0...Int(Int32.max))
        let body = try JSONWriter.object { json in
            json.field("amount", try invocation.required("--amount"))
            json.field("reason", try invocation.required("--reason"))
            if let service = invocation.text("--service") { json.field("service", service) }
            if let period { json.field("period", period) }
        }
        return try MoneyCommands.move(path(invocation, "/orders") + "/refund", body, invocation) {
            answer throws(CommandFailure) in
            try Answers.show(answer, invocation, listings: listings)
        }
    }

    /// An order with its services and its refunds as tables below it.
    private static func told(_ answer: HTTPAnswer, _ invocation: Invocation) throws -> Int32 {
        try Answers.show(answer, invocation, listings: listings)
        return ExitCode.ok
    }

    // MARK: Services

    private static let serviceID = ["SERVICE_ID"]

    private static let service = Command(
        "service show", "Show a service and its details", arguments: serviceID, options: GatewayClient.ownerOptions
    ) { invocation in
        try Answers.show(try GatewayClient.owner(invocation).send("GET", path(invocation, "/services")), invocation)
        return ExitCode.ok
    }

    private static let charges = CalledAPI.owner.list(
        "service charges", "List what a service was charged, newest period first", "/services/{}/charges",
        arguments: serviceID, columns: ["period", "begins_at", "ends_at", "amount", "currency", "charged_at"],
        empty: "nothing was charged", isOnePage: true)

    private static let moves = [
        ("suspend", "Suspend a service: it neither runs nor renews"), ("resume", "Let a suspended service run again"),
    ].map { verb, summary in
        Command("service \(verb)", summary, arguments: serviceID, options: GatewayClient.ownerOptions) { invocation in
            let answer = try GatewayClient.owner(invocation).send("POST", path(invocation, "/services") + "/\(verb)")
            try Answers.show(answer, invocation)
            return ExitCode.ok
        }
    }

    private static let cancel = Command(
        "service cancel", "End a service, now or with its term", arguments: serviceID,
        options: [Option("--at", "WHEN", "now or term_end (now)")] + GatewayClient.ownerOptions
    ) { invocation in
        let body = JSONWriter.object { json in
            if let at = invocation.text("--at") { json.field("at", at) }
        }
        let answer = try GatewayClient.owner(invocation).send(
            "POST", path(invocation, "/services") + "/cancel", body: .bytes(body))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let keep = CalledAPI.owner.call(
        "DELETE", "service keep", "Have a service renew after all that you had end with its term",
        "/services/{}/cancel", arguments: serviceID)

    private static let reprice = Command(
        "service reprice", "Change what services cost from their next period on",
        options: [
            Option("--price", "AMOUNT", "What a term costs from then on", isRequired: true),
            Option("--reseller", "ID", "Of one reseller"), Option("--product", "SKU", "Of one product"),
            Option("--term", "TERM", "Of one term, say monthly"), Option("--dry-run", "Only list what would change"),
        ] + GatewayClient.ownerOptions
    ) { invocation in
        let body = try JSONWriter.object { json in
            json.field("price", try invocation.required("--price"))
            for (option, name) in [("--reseller", "reseller"), ("--product", "product"), ("--term", "term")] {
                if let text = invocation.text(option) { json.field(named: name, .string(text)) }
            }
            json.field("dry_run", invocation.has("--dry-run"))
        }
        let answer = try GatewayClient.owner(invocation).send(
            "POST", "/services/reprice", body: .bytes(body), isLong: true)
        let columns = ["id", "reseller", "product", "term", "old_price", "new_price", "from_period"]
        try Answers.show(answer, invocation, listing: "services", columns: columns, empty: "no services")
        return ExitCode.ok
    }

    private static let details = Command(
        "service details", "Change what a service's end customer needs, name by name", arguments: serviceID,
        options: [
            Option(
                "--details-file", "FILE", "A JSON object, name → {value, secret}; null takes a name away",
                isRequired: true)
        ] + GatewayClient.ownerOptions
    ) { invocation in
        let details = try ProvisioningCommands.json(in: try invocation.required("--details-file"))
        let body = JSON.object([JSONMember(name: "details", value: details)]).encoded()
        let answer = try GatewayClient.owner(invocation).send(
            "PATCH", path(invocation, "/services") + "/details", body: .bytes(body))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static func path(_ invocation: Invocation, _ list: String) -> String {
        "\(list)/\(invocation.arguments[0].percentEncoded)"
    }
}
