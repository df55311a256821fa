import HTTPCore

/// Price books and their history, through the operator's API (O4).
enum PriceCommands {
    static let commands = [list, sheet, set, remove, history, exportAll, importAll]

    private static let amounts = ["monthly", "quarterly", "semi-annual", "annual", "hourly", "setup-fee", "once"]
    private static let columns = [
        "wholesale_monthly", "wholesale_quarterly", "wholesale_semi_annual", "wholesale_annual", "wholesale_hourly",
        "wholesale_setup_fee", "discount_rate_override", "is_enabled", "max_quantity", "wholesale_once",
    ]

    private static let list = Command(
        "price list", "List a reseller's price book", arguments: ["RESELLER_ID"],
        options: [Filter.mode.option] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let rows = try Pages.rows(
            CalledAPI.path("/resellers/{}/products", invocation), query: Filter.query([.mode], invocation),
            try .owner(invocation), invocation)
        if !invocation.has("--json") {
            try Answers.table(rows, columns: ["sku"] + columns + ["hidden", "currency"], empty: "no prices")
        }
        return ExitCode.ok
    }

    private static let sheet = CalledAPI.owner.list(
        "price sheet", "List all products for one reseller, or all resellers for one product, priced or not",
        "/price-sheet", filters: [.reseller, Filter("--product", "SKU", "Of one product"), .mode],
        columns: ["reseller", "reseller_name", "sku", "name"] + columns.map { "price.\($0)" } + ["hidden", "currency"],
        empty: "nothing to price", notes: "Either --reseller or --product is given.")

    private static let set = Command(
        "price set", "Write a row of a reseller's price book", arguments: ["RESELLER_ID", "SKU"],
        options: amounts.map { Option("--\($0)", "AMOUNT", "The wholesale price; none: not sold so") }
            + [
                Option("--discount-rate", "PERCENT", "In place of the reseller's own; none takes it away"),
                Option("--enabled", "yes|no", "Whether the reseller is offered it"),
                Option("--max-quantity", "N", "Units that it may hold at once; none: any"), Filter.mode.option,
            ] + GatewayClient.ownerOptions,
        notes: "What is not named stays as it is. The new price holds from the answer on."
    ) { invocation in
        let options = amounts.map { (option: "--\($0)", name: "wholesale_\($0.replacing("-", with: "_"))") }
        let members =
            SentFile.members(options + [("--discount-rate", "discount_rate_override")], invocation)
            + (try SentFile.plain([("--enabled", "is_enabled"), ("--max-quantity", "max_quantity")], invocation))
        let answer = try GatewayClient.owner(invocation).send(
            "PUT", row(invocation) + Filter.text([.mode], invocation), body: .bytes(JSON.object(members).encoded()))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let remove = Command(
        "price remove", "Take a row of the test book away: the live one holds there again",
        arguments: ["RESELLER_ID", "SKU"], options: GatewayClient.ownerOptions,
        notes: "A live row is not removed: price set --enabled no hides its product from the reseller."
    ) { invocation in
        try CalledAPI.owner.done("DELETE", row(invocation) + "?mode=test", "removed", invocation)
    }

    private static let changed: [Filter] =
        [Filter.reseller, Filter("--product", "SKU", "Of one product")] + Filter.times + [Filter.mode]

    private static let history = Command(
        "price history", "List changes of prices, newest first: who, when, from, to",
        options: Filter.options(changed) + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let rows = try Pages.rows(
            "/price-history", query: Filter.query(changed, invocation), isOnePage: true, try .owner(invocation),
            invocation)
        if !invocation.has("--json") {
            try Answers.table(
                rows.flatMap(changes),
                columns: ["at", "reseller", "sku", "column", "old", "new", "account", "way", "request_id"],
                empty: "no changes")
        }
        return ExitCode.ok
    }

    private static let exportAll = Command(
        "price export", "Write the price book of all resellers to a CSV file",
        options: SavedFile.options() + GatewayClient.ownerOptions
    ) { invocation in try SavedFile.save("/price-book.csv", from: .owner(invocation), invocation) }

    private static let importAll = Command(
        "price import", "Take a price book from a CSV file, all rows or none", arguments: ["FILE"],
        options: [
            SentFile.dryRun, SentFile.ifMatch,
            Option("--effect-days", "N", "With --dry-run: what orders of so many days would have come to"),
        ] + GatewayClient.ownerOptions,
        notes: "Try it with --dry-run first, and give the hash that it prints to --if-match."
    ) { invocation in
        guard invocation.has("--dry-run") || !invocation.has("--effect-days") else {
            throw CommandFailure.usage("--effect-days needs --dry-run")
        }
        return try SentFile.importTable("/price-book.csv", invocation)
    }

    /// A line for each column that differs.
    private static func changes(_ row: JSON) -> [JSON] {
        columns.compactMap { column in
            let (old, new) = (row["from"]?[column] ?? .null, row["to"]?[column] ?? .null)
            guard old != new else { return nil }
            let names = ["at", "reseller", "sku", "account", "way", "request_id"].compactMap { name in
                row[name].map { JSONMember(name: name, value: $0) }
            }
            return .object(
                names + [
                    JSONMember(name: "column", value: .string(column)), JSONMember(name: "old", value: old),
                    JSONMember(name: "new", value: new),
                ])
        }
    }

    private static func row(_ invocation: Invocation) -> String {
        CalledAPI.path("/resellers/{}/products/{}", invocation)
    }
}
