import HTTPCore

/// Lists, page by page: `{data, has_more, next_cursor}` in the native APIs, `{<its name>, hasMore, nextCursor}` in
/// others.
enum Pages {
    static let filters = [
        Filter("--limit", "N", "One page of so many rows (1 to 100)"),
        Filter("--cursor", "CURSOR", "The page behind this one"),
    ]
    static let options = Filter.options(filters)
    private static let rowsMax = 100

    /// A file has all of a list: it is no page of it.
    static func refuseForFile(_ invocation: Invocation) throws(CommandFailure) {
        if options.contains(where: { invocation.has($0.name) }) {
            throw .usage("--limit and --cursor are not for --output")
        }
    }

    /// Every row, or those of one page where that was asked for or the list has no end (`isOnePage`). A search that
    /// looks at so many rows at a time gives pages without any that are not its end: those are passed over. With
    /// `--json` each page is printed as it came, on a line of its own, and nothing is returned.
    static func rows(
        _ path: String, member: String = "data", query: [(String, String)] = [], isOnePage: Bool = false,
        _ client: GatewayClient, _ invocation: Invocation
    ) throws -> [JSON] {
        let limit = try invocation.integer("--limit", in: 1...rowsMax)
        let isOnePage = isOnePage || limit != nil || invocation.has("--cursor")
        var cursor = invocation.text("--cursor")
        var rows: [JSON] = []
        var isEmpty = true
        repeat {
            var all = query + [("limit", String(limit ?? rowsMax))]
            if let cursor { all.append(("cursor", cursor)) }
            let text = all.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
            let answer = try client.send("GET", "\(path)?\(text)")
            let json = try Answers.parsed(answer)
            cursor = (json["next_cursor"] ?? json["nextCursor"])?.text
            isEmpty = json[member] == .array([])
            if isEmpty && cursor != nil { continue }
            if invocation.has("--json") {
                try Output.bytes(answer.body + [0x0A])
            } else if case .array(let more)? = json[member] {
                rows += more
            }
        } while cursor != nil && (!isOnePage || isEmpty)
        if isOnePage, let cursor, !invocation.has("--json") { Output.errorLine("there is more: --cursor \(cursor)") }
        return rows
    }
}
