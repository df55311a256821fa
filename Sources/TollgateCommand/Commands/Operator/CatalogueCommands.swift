import HTTPCore

/// Products, through the operator's API (O4).
enum CatalogueCommands {
    static let commands = [list, show, add, change, exportAll, importAll]

    private static let terms = ["monthly", "quarterly", "semi_annual", "annual", "hourly", "setup_fee"]
    private static let prices: [(option: String, name: String)] = [
        ("--retail-price", "retail_price"), ("--wholesale-price", "wholesale_price"),
    ]
    private static let options =
        [
            Option("--days", "N", "A plan of codes: how many days a code has"),
            Option("--retail-price", "AMOUNT", "A plan: what the end customer pays"),
            Option("--wholesale-price", "AMOUNT", "A plan: what a reseller pays"),
            Option("--hidden", "yes|no", "Whether nobody is shown it"),
        ]
        + terms.map { term in
            Option("--list-\(term.replacing("_", with: "-"))", "AMOUNT", "Its list price, which the test book sells by")
        }

    private static let filters = [
        Filter("--fulfilment", "HOW", "instant, manual, http or stock"),
        Filter("--hidden", "true|false", "Whether nobody is shown it"),
        Filter("--find", "TEXT", "Whose SKU or name begins so, in any case", named: "q"),
    ]

    private static let list = Command(
        "product list", "List a tenant's products",
        options: Filter.options(filters) + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let query = Filter.query(filters, invocation)
        let rows = try Pages.rows("/products", query: query, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = [
                "sku", "name", "fulfilment", "hidden", "days", "retail_price", "wholesale_price", "list.monthly",
                "list.annual", "currency",
            ]
            try Answers.table(rows, columns: columns, empty: "no products")
        }
        return ExitCode.ok
    }

    private static let show = Command(
        "product show", "Show a product", arguments: ["SKU"], options: GatewayClient.ownerOptions
    ) { invocation in
        try Answers.show(try GatewayClient.owner(invocation).send("GET", path(invocation)), invocation)
        return ExitCode.ok
    }

    private static let add = Command(
        "product add", "Add a product", arguments: ["SKU"],
        options: [
            Option("--name", "NAME", "What people call it", isRequired: true),
            Option("--fulfilment", "HOW", "instant, manual, http or stock", isRequired: true),
        ] + options + GatewayClient.ownerOptions
    ) { invocation in
        let members = [JSONMember(name: "sku", value: .string(invocation.arguments[0]))] + (try members(invocation))
        let answer = try GatewayClient.owner(invocation).send(
            "POST", "/products", body: .bytes(JSON.object(members).encoded()))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let change = Command(
        "product change", "Change a product", arguments: ["SKU"],
        options: [
            Option("--name", "NAME", "What people call it"),
            Option("--fulfilment", "HOW", "instant, manual, http or stock"),
        ] + options + GatewayClient.ownerOptions,
        notes:
            "What is not named stays as it is; none takes a price or the days away. Products are hidden, never deleted."
    ) { invocation in
        let answer = try GatewayClient.owner(invocation).send(
            "PATCH", path(invocation), body: .bytes(JSON.object(try members(invocation)).encoded()))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let exportAll = Command(
        "product export", "Write all products to a CSV file", options: SavedFile.options() + GatewayClient.ownerOptions
    ) { invocation in try SavedFile.save("/products.csv", from: .owner(invocation), invocation) }

    private static let importAll = Command(
        "product import", "Take products from a CSV file, all rows or none", arguments: ["FILE"],
        options: [SentFile.dryRun, SentFile.ifMatch] + GatewayClient.ownerOptions,
        notes: "Try it with --dry-run first, and give the hash that it prints to --if-match."
    ) { invocation in try SentFile.importTable("/products.csv", invocation) }

    private static func members(_ invocation: Invocation) throws -> [JSONMember] {
        let texts = SentFile.members([("--name", "name"), ("--fulfilment", "fulfilment")] + prices, invocation)
        let plain = try SentFile.plain([("--days", "days"), ("--hidden", "hidden")], invocation)
        let list = SentFile.members(
            terms.map { ("--list-\($0.replacing("_", with: "-"))", $0) }, invocation)
        return texts + plain + (list.isEmpty ? [] : [JSONMember(name: "list", value: .object(list))])
    }

    private static func path(_ invocation: Invocation) -> String {
        "/products/\(invocation.arguments[0].percentEncoded)"
    }
}
