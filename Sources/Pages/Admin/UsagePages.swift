import CallKit
import HTML
import HTTPCore
import PageKit

/// Who calls how often, and what is refused (O6).
extension AdminPages {
    static let usage: [Page] = [
        Page(inSteps: "/usage", "Usage") { view in
            let asked = UsageAsked(view)
            let periods = try await view.get("/usage/total", asked.query).rows()
            let groups = try await view.get(
                "/usage/groups", asked.query + [("group", asked.group), ("sort", asked.sort), ("limit", "100")])
            return PageContent(
                "Usage",
                """
                \(asked.form)\(Panel("Calls by \(asked.isHourly ? "hour" : "day")") {
                    UsageChart("Calls", periods, isHourly: asked.isHourly).html
                })\(asked.tabs)\(usageTable(groups, asked, view))
                """)
        }
    ]

    private static let counts = [
        ("Requests", "requests"), ("401", "unauthorized"), ("403", "forbidden"), ("429", "rate_limited"),
        ("Other refusals", "other_refusals"), ("Orders", "orders"),
    ]

    private static func usageTable(_ groups: Row, _ asked: UsageAsked, _ view: SlowView) -> HTML {
        let rows = groups.rows()
        let table = DataTable(
            caption: "Calls by \(asked.group)",
            columns: [Column(asked.title)]
                + counts.map { title, name in
                    Column(
                        title, .number, sort: view.visit.here([("sort", name)]), order: asked.sort == name ? .down : nil
                    )
                },
            rows: rows.map { row in
                [asked.name(row, view)] + counts.map { "\(Figure.grouped(row.int($0.1)))" as HTML }
            },
            empty: Empty("No calls", "Nobody has called in this time.").html)
        let more: HTML =
            groups.bool("has_more") ? #"<p class="sub">The hundred greatest are shown.</p>"# : ""
        return "\(table)\(more)"
    }
}

/// What is asked of the counts: all of it stands in the page's address. A value: any thread.
private struct UsageAsked {
    let isHourly: Bool
    let group: String
    let sort: String
    let query: [(String, String?)]
    private let view: SlowView

    private static let groups = [("key", "Key"), ("reseller", "Reseller"), ("route", "Route")]
    private static let spans = [
        ("24 hours", "hour", 1), ("7 days", "day", 7), ("30 days", "day", 30), ("a year", "day", 365),
    ]

    init(_ view: SlowView) {
        self.view = view
        isHourly = view.visit.asked("by") == "hour"
        let asked = view.visit.asked("group")
        group = Self.groups.contains { $0.0 == asked } ? asked ?? "key" : "key"
        sort = view.visit.asked("sort") ?? "requests"
        query =
            view.asked("reseller", "key", "route", "from", "to") + [("by", isHourly ? "hour" : "day")]
    }

    var title: String { Self.groups.first { $0.0 == group }?.1 ?? "" }

    /// What a line is of, as a link to its own counts.
    func name(_ row: Row, _ view: SlowView) -> HTML {
        guard let name = row.text("name") else {
            return group == "key" ? "people signed in, and nobody known" : "no reseller"
        }
        let link = view.visit.here([(group, name), ("group", group == "route" ? "key" : "route")])
        return #"<a href="\#(link)"><code>\#(name)</code></a>"#
    }

    var tabs: Tabs {
        Tabs(
            "By",
            Self.groups.map { word, title in
                .init("By \(title.lowercased())", view.visit.here([("group", word)]), isCurrent: word == group)
            })
    }

    var form: HTML {
        let spans = Tabs(
            "Time",
            Self.spans.map { title, by, days in
                let from = days == 1 ? nil : view.visit.daysAgo(days)
                return .init(
                    title, view.visit.here([("by", by), ("from", from), ("to", nil)]),
                    isCurrent: isHourly == (by == "hour")
                        && (view.visit.asked("from") ?? (isHourly ? nil : view.visit.daysAgo(30))) == from)
            })
        let chips = ["reseller", "key", "route"].compactMap { name in view.visit.asked(name).map { (name, $0) } }
        let shown: HTML = """
            <ul class="chips">\(each: chips, { name, value -> HTML in
                """
                <li>\(name): \(value) <a href="\(view.visit.here([(name, nil)]))" aria-label="Without \(name)">×</a></li>
                """
            })</ul>
            """
        return "\(spans)\(if: !chips.isEmpty, shown)"
    }
}

/// Calls over time, each kind of refusal told apart. A value: any thread.
struct UsageChart: MarkupPart {
    let html: HTML

    /// `totals`: of `/usage/total`.
    init(_ title: String, _ totals: [Row], isHourly: Bool) {
        func values(_ name: String) -> [Int] { totals.map { $0.int(name) } }
        let answered = totals.map { $0.int("requests") - $0.int("refusals") - $0.int("other_refusals") }
        let others = totals.map { row in
            row.int("refusals") - row.int("unauthorized") - row.int("forbidden") - row.int("rate_limited")
                + row.int("other_refusals")
        }
        let denied = zip(values("unauthorized"), values("forbidden")).map(+)
        html =
            BarChart(
                id: "calls", title: title, step: isHourly ? "Hour (UTC)" : "Day",
                labels: totals.map { $0.text("hour").map(HourSpan.label) ?? $0["day"] },
                series: [
                    Series("answered", answered), Series("401 and 403", denied), Series("429", values("rate_limited")),
                    Series("other refusals", others),
                ]
            ).html
    }
}
