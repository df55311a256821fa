import HTTPCore

/// What the provider's keys did (P8), and what tenants used (P9).
enum ProviderLogCommands {
    static let commands = [log, usage]

    private static let log = Command(
        "log", "Search the provider's log, newest first, or write it to a file",
        options: [
            Option("--tenant", "SLUG", "Of one tenant, by slug or id"),
            Option("--action", "ACTION", "Of this action, say tenant.suspended", repeats: true),
            Option("--by-key", "KEY_ID", "By this provider key"),
            Option("--from", "TIME", "RFC 3339, from then on"),
            Option("--to", "TIME", "RFC 3339, before then"),
        ] + fileOptions("; .csv writes CSV, any other name JSON Lines") + Pages.options + GatewayClient.options
    ) { invocation in
        var query = [("--tenant", "tenant"), ("--by-key", "key"), ("--from", "from"), ("--to", "to")]
            .compactMap { option, name in invocation.text(option).map { (name, $0) } }
        if invocation.has("--action") { query.append(("action", invocation.texts("--action").joined(separator: ","))) }
        if let path = invocation.text("--output") {
            return try write(path.hasSuffix(".csv") ? "/log.csv" : "/log.jsonl", query, to: path, invocation)
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
        if let path = invocation.text("--output") { return try write("/usage.csv", query, to: path, invocation) }
        let rows = try Pages.rows("/usage", query: query, try .provider(invocation), invocation)
        if !invocation.has("--json") {
            let columns = ["tenant", "month", "requests", "refusals", "orders", "turnover", "currency", "bytes"]
            try Answers.table(rows, columns: columns, empty: "no usage")
        }
        return ExitCode.ok
    }

    private static func fileOptions(_ format: String) -> [Option] {
        [
            Option("--output", "FILE", "Write all of it to this file\(format)"),
            Option("--force", "Replace the file that is there"),
        ]
    }

    private static func write(
        _ path: String, _ query: [(String, String)], to file: String, _ invocation: Invocation
    ) throws -> Int32 {
        try CopyCommands.refuseOverwriting(file, invocation)
        let text = query.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
        _ = try GatewayClient.provider(invocation).send(
            "GET", path + (text.isEmpty ? "" : "?\(text)"), sink: .file(path: file), isLong: true)
        let bytes = CopyCommands.size(of: file)
        try Answers.report(invocation, "\(file): \(bytes) bytes") { json in
            json.field("path", file)
            json.field("bytes", bytes)
        }
        return ExitCode.ok
    }
}
