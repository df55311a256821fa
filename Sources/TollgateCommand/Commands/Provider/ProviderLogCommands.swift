import HTTPCore

/// What the provider's keys did (P8), and what tenants used (P9).
enum ProviderLogCommands {
    static let commands = [log, usage]

    private static let searched =
        [
            Filter("--tenant", "SLUG", "Of one tenant, by slug or id"),
            Filter("--action", "ACTION", "Of this action, say tenant.suspended", repeats: true),
            Filter("--by-key", "KEY_ID", "By this provider key", named: "key"),
        ] + Filter.times

    private static let log = Command(
        "log", "Search the provider's log, newest first, or write it to a file",
        options: Filter.options(searched) + fileOptions("; .csv writes CSV, any other name JSON Lines")
            + Pages.options + GatewayClient.options
    ) { invocation in
        let query = Filter.query(searched, invocation)
        if let path = invocation.text("--output") {
            return try SavedFile.save(
                path.hasSuffix(".csv") ? "/log.csv" : "/log.jsonl", query, from: .provider(invocation), invocation)
        }
        let rows = try Pages.rows("/log", query: query, isOnePage: true, try .provider(invocation), invocation)
        if !invocation.has("--json") {
            let columns = ["seq", "at", "action", "tenant", "via", "key_name", "key", "request_id", "detail"]
            try Answers.table(rows, columns: columns, empty: "no lines")
        }
        return ExitCode.ok
    }

    private static let usage = Command(
        "usage", "Show what tenants used in a month, or write it to a CSV file",
        options: [
            Option("--month", "YYYY-MM", "In this month (the running one)"),
            Option("--tenant", "SLUG", "One tenant, by slug or id; without --month in every month"),
        ] + fileOptions(", as CSV") + Pages.options + GatewayClient.options
    ) { invocation in
        let query = [("--month", "month"), ("--tenant", "tenant")]
            .compactMap { option, name in invocation.text(option).map { (name, $0) } }
        if invocation.has("--output") {
            return try SavedFile.save("/usage.csv", query, from: .provider(invocation), invocation)
        }
        let rows = try Pages.rows("/usage", query: query, try .provider(invocation), invocation)
        if !invocation.has("--json") {
            let columns = ["tenant", "month", "requests", "refusals", "orders", "turnover", "currency", "bytes"]
            try Answers.table(rows, columns: columns, empty: "no usage")
        }
        return ExitCode.ok
    }

    private static func fileOptions(_ format: String) -> [Option] {
        SavedFile.options("Write all of it to this file\(format)", isRequired: false)
    }
}
