import HTTPCore

/// Reports, usage and statements, through the operator's API (O14, O6, O5).
enum ReportCommands {
    static let commands = reports + [statement]

    private static let output = SavedFile.options("Write all of it as CSV to this file", isRequired: false)

    /// What each report shows, and whether it is of products too.
    private static let kinds: [(name: String, summary: String, columns: [String], isOfProducts: Bool)] = [
        (
            "turnover", "What was sold, less what was given back",
            ["sales", "orders", "renewals", "hourly", "ports", "codes", "captures", "refunds", "turnover"], true
        ),
        ("refunds", "What was given back of orders", ["count", "refunds"], true),
        ("holds", "What orders held, and what came of it", ["count", "placed", "captured", "voided", "open"], true),
        ("credit", "Who owed at the end of each period", ["balance", "credit_used", "credit_limit"], false),
        (
            "balances", "Balances at the end of each period, and what moved on them",
            ["topped_up", "corrected", "spent", "refunded", "transferred", "balance", "held"], false
        ),
    ]

    private static let reports = kinds.map { kind -> Command in
        let filters =
            [
                Filter("--by", "PERIOD", "day (the default) or month; days are UTC"),
                Filter("--group", "GROUP", kind.isOfProducts ? "product or reseller" : "reseller"),
            ] + Filter.periods
        return Command(
            "report \(kind.name)", kind.summary,
            options: Filter.options(filters) + output + Pages.options + GatewayClient.ownerOptions,
            notes: kind.name == "balances" ? "Corrected, spent and transferred are downwards." : ""
        ) { invocation in
            let path = "/reports/\(kind.name)"
            let asked = Filter.query(filters, invocation)
            if invocation.has("--output") {
                return try SavedFile.save(path + ".csv", asked, from: .owner(invocation), invocation)
            }
            let rows = try Pages.rows(path, query: asked, try .owner(invocation), invocation)
            if !invocation.has("--json") {
                let group = kind.name == "credit" ? "reseller" : invocation.text("--group")
                try Answers.table(
                    rows, columns: ["period"] + (group.map { [$0] } ?? []) + kind.columns + ["currency"],
                    empty: "nothing in this time")
            }
            return ExitCode.ok
        }
    }

    private static let statement = stating(
        "statement", "Show what moved on a reseller's balance, newest first", "/resellers/{}/statement",
        arguments: ["RESELLER_ID"], .owner)

    /// A command that lists movements or writes all of them as CSV: a reseller's for its operator, or its own.
    static func stating(
        _ name: String, _ summary: String, _ pattern: String, arguments: [String] = [], _ api: CalledAPI
    ) -> Command {
        Command(
            name, summary, arguments: arguments,
            options: Filter.options(stated) + output + Pages.options + api.options,
            notes: "The list goes back page by page; with --output all of it is in one file."
        ) { invocation in
            let path = CalledAPI.path(pattern, invocation)
            let asked = Filter.query(stated, invocation)
            if invocation.has("--output") {
                return try SavedFile.save(path + ".csv", asked, from: try api.client(invocation), invocation)
            }
            let rows = try Pages.rows(path, query: asked, isOnePage: true, try api.client(invocation), invocation)
            if !invocation.has("--json") {
                try Answers.table(
                    rows, columns: ["at", "kind", "reference", "amount", "balance_after", "currency"],
                    empty: "nothing has moved")
            }
            return ExitCode.ok
        }
    }

    private static let stated =
        [
            Filter.mode,
            Filter("--kind", "KIND", "Of this kind, say top_up, correction, order or refund", repeats: true),
        ] + Filter.times
}
