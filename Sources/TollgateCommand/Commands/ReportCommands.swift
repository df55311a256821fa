import HTTPCore

/// Reports, usage and statements, through the operator's API (O14, O6, O5).
enum ReportCommands {
    static let commands = reports + [statement]

    private static let from = Option("--from", "TIME", "RFC 3339 or a day, from then on")
    private static let through = Option("--to", "TIME", "RFC 3339 or a day, the last that counts")
    private static let to = Option("--to", "TIME", "RFC 3339 or a day, before then")
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

    private static let reports = kinds.map { kind in
        Command(
            "report \(kind.name)", kind.summary,
            options: [
                Option("--by", "PERIOD", "day (the default) or month; days are UTC"),
                Option("--group", "GROUP", kind.isOfProducts ? "product or reseller" : "reseller"),
                from, through,
            ] + output + Pages.options + GatewayClient.ownerOptions,
            notes: kind.name == "balances" ? "Corrected, spent and transferred are downwards." : ""
        ) { invocation in
            let path = "/reports/\(kind.name)"
            let asked = query(invocation, [("--by", "by"), ("--group", "group"), ("--from", "from"), ("--to", "to")])
            if invocation.has("--output") {
                return try SavedFile.save(path + ".csv", asked, from: .owner(invocation), invocation)
            }
            let rows = try Pages.rows(path, query: asked, try .owner(invocation), invocation)
            if !invocation.has("--json") {
                let group = rows.contains { $0["product"]?.text != nil } ? "product" : "reseller"
                let isGrouped = invocation.has("--group") || kind.name == "credit"
                try Answers.table(
                    rows, columns: ["period"] + (isGrouped ? [group] : []) + kind.columns + ["currency"],
                    empty: "nothing in this time")
            }
            return ExitCode.ok
        }
    }

    private static let statement = Command(
        "statement", "Show what moved on a reseller's balance, newest first", arguments: ["RESELLER_ID"],
        options: [Option("--mode", "MODE", "live or test (the key's)"), from, to] + output + Pages.options
            + GatewayClient.ownerOptions,
        notes: "--from and --to are for --output; the list goes back page by page."
    ) { invocation in
        let path = "/resellers/\(invocation.arguments[0].percentEncoded)/statement"
        if invocation.has("--output") {
            let asked = query(invocation, [("--mode", "mode"), ("--from", "from"), ("--to", "to")])
            return try SavedFile.save(path + ".csv", asked, from: .owner(invocation), invocation)
        }
        let isTimed = invocation.has("--from") || invocation.has("--to")
        guard !isTimed else { throw CommandFailure.usage("--from and --to need --output FILE") }
        let rows = try Pages.rows(
            path, query: query(invocation, [("--mode", "mode")]), isOnePage: true, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            try Answers.table(
                rows, columns: ["at", "kind", "reference", "amount", "balance_after", "currency"],
                empty: "nothing has moved")
        }
        return ExitCode.ok
    }

    private static func query(_ invocation: Invocation, _ names: [(String, String)]) -> [(String, String)] {
        names.compactMap { option, name in invocation.text(option).map { (name, $0) } }
    }
}
