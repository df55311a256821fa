import HTTPCore

/// Lists of the native APIs: `{data, has_more, next_cursor}`, page by page.
enum Pages {
    static let options = [
        Option("--limit", "N", "One page of so many rows (1 to 100)"),
        Option("--cursor", "CURSOR", "The page behind this one"),
    ]
    private static let rowsMax = 100

    /// Every row, or those of one page where that was asked for or the list has no end (`isOnePage`). With `--json`
    /// each page is printed as it came, on a line of its own, and nothing is returned.
    static func rows(
        _ path: String, query: [(String, String)] = [], isOnePage: Bool = false, _ client: GatewayClient,
        _ invocation: Invocation
    ) throws -> [JSON] {
        let limit = try invocation.integer("--limit", in: 1...rowsMax)
        let isOnePage = isOnePage || limit != nil || invocation.has("--cursor")
        var cursor = invocation.text("--cursor")
        var rows: [JSON] = []
        repeat {
            var all = query + [("limit", String(limit ?? rowsMax))]
            if let cursor { all.append(("cursor", cursor)) }
            let text = all.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
            let answer = try client.send("GET", "\(path)?\(text)")
            let json = try Answers.parsed(answer)
            if invocation.has("--json") {
                try Output.bytes(answer.body + [0x0A])
            } else if case .array(let data)? = json["data"] {
                rows += data
            }
            cursor = json["next_cursor"]?.text
        } while cursor != nil && !isOnePage
        if isOnePage, let cursor, !invocation.has("--json") { Output.errorLine("there is more: --cursor \(cursor)") }
        return rows
    }
}
