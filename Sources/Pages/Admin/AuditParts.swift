import CallKit
import HTML
import HTTPCore
import PageKit

/// What is asked of the audit log: all of it stands in the page's address. A value: any thread.
struct AuditFilters {
    private static let names = [
        "reseller", "key", "account", "action", "status", "request_id", "order", "object", "product", "author",
        "changes",
    ]
    private static let narrow = ["request_id", "order", "object", "product", "author"]
    private static let days = 1...3_650
    private static let spans = [("24 hours", 1), ("7 days", 7), ("30 days", 30)]

    private let asked: [(name: String, value: String?)]
    private let from: String?
    private let to: String?
    private let days: Int

    init(_ view: SlowView) {
        asked = Self.names.map { ($0, view.visit.asked($0)) }
        days = view.visit.asked("days").flatMap { Int($0) }.flatMap { Self.days.contains($0) ? $0 : nil } ?? 7
        to = view.visit.asked("to")
        // A log has no end; what is looked at has one, unless somebody asks for more, for one call or for one thing.
        let isOpen = to != nil || Self.narrow.contains { view.visit.asked($0) != nil }
        from = view.visit.asked("from") ?? (isOpen ? nil : view.visit.daysAgo(days))
    }

    /// What finds more.
    var wayOn: HTML {
        let isOfAllDays = from == nil && to == nil
        return isOfAllDays ? "All days were searched. Use fewer filters." : "Ask for more days, or use fewer filters."
    }

    private var period: [(String, String?)] { [("from", from), ("to", to)] }
    private var query: [(String, String?)] {
        // Who came and went changed nothing.
        let isOfChanges = asked.contains { $0.name == "changes" && $0.value == "true" }
        return asked.map { ($0.name, $0.value) } + [("without", isOfChanges ? "sessions" : nil)] + period
    }

    func list(_ view: SlowView) async throws -> Found {
        try await view.found(
            "/audit", query + [("limit", "100"), ("cursor", view.visit.asked("cursor"))], looks: SlowView.looksMax)
    }

    /// What counts are kept by, as the page calls it.
    private static let counted = ["reseller", "key", "action"]

    /// How many calls there were. What is kept is counts by reseller, key and route, and those of the refusals that
    /// have a count of their own: where more is asked, the bars say of what they are. None where the list has no time.
    func bars(_ view: SlowView) async throws -> HTML? {
        guard from != nil || to != nil else { return nil }
        let status = asked.first { $0.name == "status" }?.value.flatMap(UsageChart.Refused.init(rawValue:))
        let others = asked.filter { name, value in
            value != nil && !Self.counted.contains(name) && !(name == "status" && status != nil)
        }
        let isHourly = to == nil && days <= 2 && view.visit.asked("from") == nil
        let usage: [(String, String?)] = [
            ("reseller", view.visit.asked("reseller")), ("key", view.visit.asked("key")),
            ("route", view.visit.asked("action")), ("by", isHourly ? "hour" : "day"),
        ]
        let totals = try await view.found("/usage/total", usage + period).rows
        if totals.isEmpty { return nil }
        let wider: HTML? = others.isEmpty ? nil : Self.wider(than: others.map { $0.name })
        // A hundred rows of the list stand beneath.
        let chart = UsageChart(totals, isHourly: isHourly, only: status, bytesMax: 40_000)
        return Panel("Calls by \(isHourly ? "hour" : "day")", id: "bars") { "\(wider)\(chart)" }.html
    }

    /// The bars count more than the list has.
    private static func wider(than names: [String]) -> HTML {
        let filters = names.map(\.spaced).joined(separator: ", ")
        return """
            <p class="sub">All calls of this time, not those of the list alone: no counts are kept by \(filters).</p>
            """
    }

    func form(_ view: SlowView) async throws -> HTML {
        let resellers = try await ResellerChoice(view).filter(view)
        let spans = Tabs(
            "Days",
            Self.spans.map { title, days in
                .init(
                    title, view.visit.here([("days", "\(days)"), ("from", nil), ("to", nil), ("cursor", nil)]),
                    isCurrent: from == view.visit.daysAgo(days) && to == nil)
            })
        let kept: [(name: String, value: String)] =
            [("days", view.visit.asked("days")), ("mode", view.visit.isTest ? "test" : nil)].compactMap { name, value in
                value.map { (name, $0) }
            }
        let form = Form.get(view.link("/audit"), keeping: kept) {
            """
            \(resellers)\(view.filter("Key", "key"))\(view.filter("Account", "account"))\
            \(view.filter("Action", "action"))\(view.filter("Status", "status"))\
            \(view.filter("Request", "request_id"))\(view.filter("Order", "order"))\
            \(view.filter("Object", "object", hint: "The id of what was changed"))\(view.filter("Product", "product"))\
            \(view.filter("Changed by", "author", .select([
                FormField.Option("", "Anybody"), FormField.Option("operators", "Operators"),
            ])))\
            \(view.filter("From", "from", .moment))\(view.filter("Before", "to", .moment))\
            <div class="actions">\(view.filter("Changes only", "changes", .checkbox))\
            \(Button("Filter"))\(view.clear(Self.names + ["from", "to"]))</div>
            """
        }
        return "\(spans)\(form)"
    }

    func exports(_ view: SlowView) -> HTML? {
        // Support reads, but takes nothing away (O13).
        guard view.may(.get, "/audit.csv") else { return nil }
        return """
            \(Button("CSV", leadsTo: view.link("/audit.csv", query: query)))\
            \(Button("JSON Lines", leadsTo: view.link("/audit.jsonl", query: query)))
            """
    }
}

/// A record of the log as a line. A value: any thread.
struct AuditLine {
    let row: Row

    init(_ row: Row) { self.row = row }

    func cells(_ view: some PageView) -> [HTML] {
        let request = row["request_id"] == AuditRecords.noRequest ? nil : row["request_id"]
        let place = view.link("/audit", row["seq"], query: [("request_id", request)])
        let key: HTML? = row.text("key").map { id -> HTML in
            #"<a href="\#(view.visit.here([("key", id), ("cursor", nil)]))"><code>\#(id)</code></a>"#
        }
        let count: HTML = row.int("count") > 1 ? " <b>× \(Figure.grouped(row.int("count")))</b>" : ""
        return [
            #"<a href="\#(place)">\#(TimeText(row["at"], hasSeconds: true))</a>"#, who(view),
            key ?? #"<span class="sub">none</span>"#,
            "<code>\(row["action"])</code>\(count)", Self.status(row.int("status")).html,
            "\(Figure.grouped(row.int("latency_us") / 100, decimals: 1)) ms",
        ]
    }

    func who(_ view: some PageView) -> HTML {
        let reseller: HTML? = row.text("reseller").map { id -> HTML in
            #"<a href="\#(view.link("/resellers", id))"><code>\#(id)</code></a>"#
        }
        let account: HTML? = row.text("account").map { "<span>\($0)</span>" }
        if reseller == nil, account == nil { return #"<span class="sub">nobody known</span>"# }
        return "\(account)\(if: account != nil && reseller != nil, "<br>")\(reseller)"
    }

    /// By its number: a refusal is seen.
    static func status(_ number: Int) -> State {
        State("\(number)", tone: number < 400 ? .good : number < 500 ? .warn : .bad)
    }
}

/// Rows of the log with all that they say and their proofs. A value: any thread.
struct AuditRecords: MarkupPart {
    let html: HTML

    /// What the clock did has no request.
    static let noRequest = "req_00000000000000000000000000000000"

    init(_ rows: [Row], _ view: SlowView) async throws {
        let keys = try await view.keysWithPages(rows.flatMap { $0.rows("records") }.compactMap { $0.text("key") })
        html = "\(each: rows, { Self.panel($0, keys, view) })"
    }

    /// `keys`: those that have a page.
    private static func panel(_ row: Row, _ keys: Set<String>, _ view: SlowView) -> HTML {
        let records = row.rows("records")
        return Panel("Row \(row["seq"])", id: "row-\(row["seq"])") {
            let about: HTML? =
                row["kind"] == "rows"
                ? "<p>It tells of no call: it vouches for what rows of other tables say since the calls before it.</p>"
                : nil
            return "\(about)\(each: records, { record($0, keys, view) })\(proof(row))"
        }.html
    }

    private static func record(_ record: Row, _ keys: Set<String>, _ view: SlowView) -> HTML {
        let line = AuditLine(record)
        let key = record.text("key").map { view.keyLink($0, in: keys) }
        let request = record["request_id"]
        let facts = Facts([
            ("Time", "\(TimeText(record["at"], hasSeconds: true)) <code>\(record["at"])</code>"),
            ("Who", line.who(view)), ("Key", key),
            ("Action", "<code>\(record["action"])</code>"), ("Status", AuditLine.status(record.int("status")).html),
            ("Latency", "\(Figure.grouped(record.int("latency_us"))) µs"), ("Mode", State(record["mode"]).html),
            ("Bytes", "\(Figure.grouped(record.int("bytes_in"))) in, \(Figure.grouped(record.int("bytes_out"))) out"),
            ("Calls", record.int("count") == 1 ? nil : "\(Figure.grouped(record.int("count")))"),
            ("Request", request == noRequest ? "none: the clock did it" : "<code>\(request)</code>"),
            ("Limits", record.int("status") == tooMany ? limits(record, keys, view) : nil),
        ])
        guard let detail = record.row("detail") else { return facts.html }
        return "\(facts)<h3>What it did</h3>\(Facts(detail.members.map { ($0.name, said($0.name, $0.value, view)) }))"
    }

    private static let tooMany = 429

    /// The limits that a call may have been over: its key's own, and what all keys of its reseller share.
    private static func limits(_ record: Row, _ keys: Set<String>, _ view: SlowView) -> HTML? {
        let key: HTML? = record.text("key").flatMap { keys.contains($0) ? $0 : nil }.map { id -> HTML in
            #"<a href="\#(view.link("/keys", id))">its key's</a>"#
        }
        let reseller: HTML? = record.text("reseller").map { id -> HTML in
            #"<a href="\#(view.link("/resellers", id, "limit"))">its reseller's</a>"#
        }
        let known = [key, reseller].compactMap { $0 }
        return known.isEmpty ? nil : "\(known.first)\(if: known.count > 1, " or ")\(Array(known.dropFirst()))"
    }

    /// A member of the detail: a text, or whatever it holds as it stands there, behind the money that it tells of.
    private static func said(_ name: String, _ value: Row, _ view: some PageView) -> HTML {
        let amount: HTML? = AuditMoney(view).text(name, value.value).map { "\($0) " }
        let text = value.value.isEmpty ? String(decoding: value.json.encoded(), as: UTF8.self) : value.value
        return "\(amount)<code>\(text)</code>"
    }

    private static func proof(_ row: Row) -> HTML {
        let findings = row.texts("findings")
        let isSound = row.bool("sound")
        let list: HTML = "<ul>\(each: findings, { "<li>\($0)</li>" })</ul>"
        return """
            <h3>Proof</h3><p>\(Proof([row])) \
            \(if: isSound, "It matches its hash, and so does each row from it to the head that the tenant’s key has signed.")\
            </p>\(if: !findings.isEmpty, list)\
            \(Facts([
                ("Hash", "<code>\(row["hash"])</code>"), ("Signed head", row.text("signed_head").map { "<code>\($0)</code>" }),
            ]))
            """
    }
}
