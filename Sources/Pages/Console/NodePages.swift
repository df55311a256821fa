import CallKit
import HTML
import HTTPCore
import PageKit

/// The node: its health, its keys, its log, and what tenants used (U1, P8, P9).
extension ConsolePages {
    static let node: [Page] = [
        Page(inSteps: "/node", "Health") { view in
            let node = try await view.get("/node")
            let figures = node.rows().filter(isShown)
            let worst = figures.filter { $0["level"] != "good" }
            let isPaused = figures.contains { $0["name"] == "charging_paused" && $0["level"] != "good" }
            let clock: HTML? =
                isPaused && view.may(.post, "/clock/accept")
                ? Notice(
                    .bad,
                    """
                    <p>Nothing is charged, since the time of day leapt ahead. If it is right now, say so.</p>
                    \(view.button("The clock is right", "POST /clock/accept", said: .confirmed, .primary))
                    """
                ).html : nil
            return PageContent(
                "Health",
                sub: """
                    Tollgate \(node["version"]), files of schema \(node["schema"]) · as of \(TimeText(node["now"])) · \
                    <a href="/metrics">all figures, for programs</a>
                    """,
                """
                \(clock)<div id="health-word" data-live="10">\(if: worst.isEmpty, Notice(.good, "<p>All is well.</p>").html)</div>
                <div class="cols" id="health" data-live="10">\
                \(each: columns(figures), { "<div>\($0)</div>" })</div>
                \(NodeFigureText.panel(of: figures))
                """)
        }
    ]

    /// What is an alarm, and no figure, is told while it rings.
    private static let alarms: Set<String> = ["scheduler_stalled", "charging_paused"]

    private static func isShown(_ figure: Row) -> Bool {
        figure["level"] != "good" || !alarms.contains(figure["name"])
    }

    /// The groups in two columns of about the same length.
    private static func columns(_ figures: [Row]) -> [[HTML]] {
        var groups: [String] = []
        for figure in figures where !groups.contains(figure["group"]) { groups.append(figure["group"]) }
        var columns: [[HTML]] = [[], []]
        var lines = [0, 0]
        for group in groups {
            let own = figures.filter { $0["group"] == group }
            let shorter = lines[1] < lines[0] ? 1 : 0
            columns[shorter].append(panel(group, own))
            lines[shorter] += own.count + headLines
        }
        return columns
    }

    /// What a panel's head and edges take, in lines.
    private static let headLines = 2

    private static func panel(_ group: String, _ figures: [Row]) -> HTML {
        let facts = figures.map { figure -> (name: String, value: HTML?) in
            let amount =
                figure["unit"] == "bytes"
                ? ConsoleText.bytes(figure.int("value"))
                : Figure.grouped(figure.int("value")) + (figure["unit"].isEmpty ? "" : " \(figure["unit"])")
            let tone: Tone = figure["level"] == "bad" ? .bad : .warn
            let mark: HTML = "\(if: figure["level"] != "good", " \(State(figure["level"], tone: tone))" as HTML)"
            let about = Link(fragment: NodeFigureText.id(figure["name"]))
            return (
                figure["title"],
                #"<a class="n" href="\#(about)" title="tollgate_\#(figure["name"])">\#(amount)</a>\#(mark)"#
            )
        }
        return Panel(group) { "\(Facts(facts))" }.html
    }

    // MARK: Keys

    static let keys: [Page] = [
        Page(inSteps: "/keys", "Provider keys") { view in
            guard let list = try await view.ask("/provider-keys", view.asked("cursor")) else {
                return PageContent(
                    "Provider keys",
                    Empty(
                        "Only a key of the role admin sees the keys", "Sign in with one to make, rotate or revoke keys."
                    ).html)
            }
            let table = DataTable(
                caption: "Provider keys",
                columns: [
                    Column("Name"), Column("Role"), Column("Begins with", .id), Column("State"), Column("Last used"),
                    Column("Ends"), Column("Actions", .buttons),
                ], rows: list.rows().map { key($0, view) }, empty: Empty("No keys").html, previous: view.first(),
                next: view.next(list))
            let mint = view.form("POST /provider-keys", said: .created) {
                """
                <div class="fields">\
                \(view.field("Name", "name", hint: "The log names whoever acts by it."))\
                \(view.field(
                    "Role", "role", .select([.init("read", "read: looks"), .init("admin", "admin: does everything")])))\
                \(view.field(
                    "Ends", "expires_at", .moment, hint: "UTC. Empty: never.", isRequired: false))</div>
                <div class="actions">\(Button("Make a key", .primary))</div>
                """
            }
            return PageContent("Provider keys", "\(table)\(Panel("Another key") { "\(mint)" })")
        },
        Page(inSteps: "/keys/{key}/revoke", "Revoke a provider key", asks: "DELETE /provider-keys/{key}") { view in
            let path = "/provider-keys/\(view.visit.segment())"
            let key = try await view.get(path)
            let back = view.link("/keys")
            let form = view.form("DELETE \(path)", said: .revoked, next: back) {
                """
                <div class="actions">\(Button("Revoke it", .danger))\(Button("Back", .quiet, leadsTo: back))</div>
                """
            }
            return PageContent(
                "Revoke \(key["name"])", sub: "<code>\(key["id"])</code>",
                """
                \(Panel("What will happen") {
                    """
                    <ul><li>Whoever calls with it is refused from the next call on.</li>
                    <li>Whoever has signed in here with it is signed out.</li>
                    <li>It does not come back.</li></ul>\(form)
                    """
                })
                """)
        },
    ]

    private static func key(_ key: Row, _ view: SlowView) -> [HTML] {
        let path = "/provider-keys/\(key["id"])"
        let now = view.visit.call.now
        let isOver = key.text("expires_at").map { $0 <= now.text } ?? false
        let state = key.text("revoked_at") != nil ? "revoked" : isOver ? "expired" : "active"
        let used: HTML? = key.text("last_used_at").map { TimeText($0, now: now).html }
        let end: HTML? = key.text("expires_at").map { TimeText($0).html }
        let rotation = view.form("POST \(path)/rotate", said: .rotated) {
            """
            \(view.field(
                "Old one lives on for", "overlap_seconds",
                .select([
                    .init("0", "no time"), .init("600", "10 minutes"), .init("86400", "a day"), .init("604800", "a week"),
                ]), isRequired: false, scope: key["id"]))\(Button("Rotate"))
            """
        }
        let does: HTML = """
            <details class="more"><summary class="button">Change</summary><div>\(rotation)\
            <a href="\(view.link("/keys", key["id"], "revoke"))">Revoke…</a></div></details>
            """
        return [
            #"\#(key["name"])<br><span class="sub"><code>\#(key["id"])</code></span>"#, "\(key["role"])",
            "<code>\(key["prefix"])…</code>", "\(State(state, tone: state == "active" ? .good : .quiet))",
            used ?? #"<span class="sub">never</span>"#, end ?? #"<span class="sub">never</span>"#,
            "\(if: state == "active", does)",
        ]
    }

    // MARK: Log

    static let log: [Page] = [
        Page(inSteps: "/log", "Log") { view in
            let fields = [
                ("Tenant", "tenant"), ("Action", "action"), ("Key", "key"), ("From", "from"), ("Before", "to"),
            ]
            let names = fields.map { $0.1 }
            let found = try await view.found(
                "/log", view.asked("tenant", "action", "key", "from", "to", "cursor"))
            let filters = Form.get(view.link("/log")) {
                """
                \(each: fields, { label, name in
                    view.filter(label, name, ["from", "to"].contains(name) ? .moment : .search).html
                })<div class="actions">\(Button("Filter"))\(view.clear(names))</div>
                """
            }
            let asked = names.map { ($0, view.visit.asked($0)) }
            let isFiltered = asked.contains { $0.1 != nil }
            let table = DataTable(
                caption: "What was done, newest first",
                columns: [Column("When"), Column("What"), Column("Tenant"), Column("By"), Column("Detail")],
                rows: found.rows.map { line($0, view) },
                empty: Empty(isFiltered ? "Nothing matches" : "Nothing was done yet").html,
                previous: view.first(), next: view.next(found.list))
            return PageContent(
                "Log",
                actions: """
                    <a class="button" href="\(view.link("/log.csv", query: asked))">CSV</a>\
                    <a class="button" href="\(view.link("/log.jsonl", query: asked))">JSON Lines</a>
                    """, "\(filters)\(found.shown(table.html))")
        }
    ]

    private static func line(_ line: Row, _ view: SlowView) -> [HTML] {
        let tenant: HTML? = line.text("tenant").map { #"<a href="\#(view.link("/tenants", $0))">\#($0)</a>"# }
        let by: HTML? =
            line.text("key").map { key in
                #"\#(line["key_name"]) <span class="sub"><code>\#(key)</code></span>"#
            } ?? line.text("via").map { "\($0)" }
        let detail = line.row("detail")?.members ?? []
        let told: HTML = """
            \(each: detail, { #"<div><span class="sub">\#($0.name)</span> \#($0.value.told)</div>"# })
            """
        return [
            "\(TimeText(line["at"], now: view.visit.call.now))", "<code>\(line["action"])</code>", tenant ?? "",
            by ?? "the node",
            told,
        ]
    }

    // MARK: Usage

    static let usage: [Page] = [
        Page(inSteps: "/usage", "Usage") { view in
            let found = try await view.found("/usage", view.asked("month", "tenant", "cursor"))
            let filters = Form.get(view.link("/usage")) {
                """
                \(FormField(
                    "Month", name: "month", kind: .search, value: view.visit.asked("month"), hint: "2026-11; empty: the one that runs",
                    isRequired: false, size: .short))\
                \(FormField("Tenant", name: "tenant", kind: .search, value: view.visit.asked("tenant"), isRequired: false, size: .short))\
                <div class="actions">\(Button("Show"))\(view.clear(["month", "tenant"]))</div>
                """
            }
            let table = DataTable(
                caption: "What tenants used in a month",
                columns: [
                    Column("Tenant"), Column("Month"), Column("Calls", .number), Column("Refused", .number),
                    Column("Orders", .number), Column("Turnover", .number), Column("Currency"), Column("Size", .number),
                ],
                rows: found.rows.map { row in
                    [
                        #"<a href="\#(view.link("/tenants", row["tenant"]))">\#(row["tenant"])</a>"#, "\(row["month"])",
                        "\(Figure.grouped(row.int("requests")))", "\(Figure.grouped(row.int("refusals")))",
                        "\(Figure.grouped(row.int("orders")))", "\(Amount(row["turnover"]))", "\(row["currency"])",
                        "\(ConsoleText.bytes(row.int("bytes")))",
                    ]
                }, empty: Empty("Nobody used anything in that month").html, previous: view.first(),
                next: view.next(found.list))
            let asked = ["month", "tenant"].map { ($0, view.visit.asked($0)) }
            return PageContent(
                "Usage",
                actions: #"<a class="button" href="\#(view.link("/usage.csv", query: asked))">CSV</a>"#,
                "\(filters)\(found.shown(table.html))")
        }
    ]
}

extension Row {
    /// A value of the log's detail, however deep.
    fileprivate var told: String { value.isEmpty ? String(decoding: json.encoded(), as: UTF8.self) : value }
}
