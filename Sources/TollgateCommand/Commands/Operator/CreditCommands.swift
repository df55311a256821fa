import HTTPCore

/// Credit that resellers report, and whether it fits their ledgers, through the operator's API (O8).
enum CreditCommands {
    static let commands = [events, event, run, list, show, reviews, review, close]

    private static let api = CalledAPI.owner

    // MARK: Credit events

    private static let events = api.list(
        "credit-event list", "List what resellers reported of credit, newest first", "/credit-events",
        filters: [
            .reseller, Filter("--external-ref", "REF", "The one under this reference of the reseller's"), .mode,
        ],
        columns: ["id", "at", "reseller", "kind", "amount", "currency", "external_ref", "key"], empty: "no events",
        isOnePage: true)

    private static let event = api.call(
        "GET", "credit-event show", "Show a credit event, with reports that differ from it", "/credit-events/{}",
        arguments: ["EVENT_ID"], listing: "differences", columns: ["at", "kind", "amount", "meta"],
        empty: "no report differs from it")

    // MARK: Reconciliations

    private static let compared = [
        Filter("--reseller", "ID", "Whose ledger it is", isRequired: true), .mode,
        Filter("--from", "TIME", "RFC 3339 or a day, where the ledger begins"),
        Filter("--to", "TIME", "RFC 3339 or a day, before which it ends"),
    ]

    private static let run = Command(
        "reconciliation run", "Compare a reseller's ledger with what it reported", arguments: ["FILE"],
        options: Filter.options(compared) + [OnceKey.option] + api.options,
        notes: "CSV with the columns external_ref, kind, amount and at; a file that ends in .jsonl is JSON Lines.\n"
            + "If they differ, a review opens; the exit code is still 0.\n" + OnceKey.note
    ) { invocation in
        let path = "/reconciliations" + Filter.text(compared, invocation)
        return try SentFile.sendOnce(path, invocation.arguments[0], invocation) { answer throws(CommandFailure) in
            try tell(answer, invocation)
        }
    }

    private static let list = api.list(
        "reconciliation list", "List reconciliations, newest first", "/reconciliations",
        filters: [.reseller, Filter("--status", "STATUS", "done (the default) or running"), .mode],
        columns: ["id", "at", "status", "reseller", "agrees", "stage", "lines"], empty: "no reconciliations",
        isOnePage: true)

    private static let show = Command(
        "reconciliation show", "Show what a reconciliation found, or how far it is", arguments: ["RECONCILIATION_ID"],
        options: api.options
    ) { invocation in
        let path = CalledAPI.path("/reconciliations/{}", invocation)
        try tell(try api.client(invocation).send("GET", path), invocation)
        return ExitCode.ok
    }

    /// What it comes to, and a line for each finding.
    private static func tell(_ answer: HTTPAnswer, _ invocation: Invocation) throws(CommandFailure) {
        let json = try Answers.parsed(answer)
        guard !invocation.has("--json"), json["matched"] != nil else { return try Answers.show(answer, invocation) }
        for name in ["id", "status", "reseller", "mode", "from", "to", "at", "lines", "agrees", "currency", "review"] {
            try Answers.line(name, json[name])
        }
        for name in ["matched", "missing_here", "missing_there", "differing"] {
            try Answers.line(name, json[name]?["count"])
        }
        var rows = found(json, "missing_here").map { finding("missing here", here: nil, there: $0) }
        rows += found(json, "missing_there").map { finding("missing there", here: $0, there: nil) }
        rows += found(json, "differing").map { finding("differing", here: $0["here"], there: $0["there"]) }
        guard !rows.isEmpty else { return }
        let columns = ["finding", "external_ref", "kind", "amount_here", "amount_there", "event", "line", "at"]
        try Answers.table(rows, columns: columns, empty: "")
    }

    private static func found(_ json: JSON, _ name: String) -> [JSON] {
        guard case .array(let items)? = json[name]?["items"] else { return [] }
        return items
    }

    private static func finding(_ text: String, here: JSON?, there: JSON?) -> JSON {
        let either = ["external_ref", "kind", "at"].map { name in
            JSONMember(name: name, value: here?[name] ?? there?[name] ?? .null)
        }
        return .object(
            either + [
                JSONMember(name: "finding", value: .string(text)),
                JSONMember(name: "amount_here", value: here?["amount"] ?? .null),
                JSONMember(name: "amount_there", value: there?["amount"] ?? .null),
                JSONMember(name: "event", value: here?["event"] ?? .null),
                JSONMember(name: "line", value: there?["line"] ?? .null),
            ])
    }

    // MARK: Reviews

    private static let reviewID = ["REVIEW_ID"]

    private static let reviews = api.list(
        "review list", "List account reviews, newest first", "/reviews",
        filters: [.reseller, Filter("--status", "STATUS", "open or closed (both)"), .mode],
        columns: ["id", "opened_at", "reseller", "status", "cause", "subject", "closed_at", "closed_by", "note"],
        empty: "no reviews", isOnePage: true)

    private static let review = api.call(
        "GET", "review show", "Show an account review", "/reviews/{}", arguments: reviewID)

    private static let close = Command(
        "review close", "Close an account review; after the last one the reseller is in good standing",
        arguments: reviewID,
        options: [Option("--note", "TEXT", "What was found, for operators alone", isRequired: true)] + api.options
    ) { invocation in
        let body = try JSONWriter.object { $0.field("note", try invocation.required("--note")) }
        let path = CalledAPI.path("/reviews/{}/close", invocation)
        try Answers.show(try api.client(invocation).send("POST", path, body: .bytes(body)), invocation)
        return ExitCode.ok
    }
}
