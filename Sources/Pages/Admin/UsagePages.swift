import CallKit
import HTML
import HTTPCore
import PageKit

/// Who calls how often, and what is refused (O6).
extension AdminPages {
    static let usage: [Page] = [
        Page(inSteps: "/usage", "Usage") { view in
            let asked = UsageAsked(view)
            let periods = try await view.found("/usage/total", asked.query)
            // What is refused of one is refused of both.
            let groups =
                periods.isRefused
                ? nil
                : try await view.found(
                    "/usage/groups", asked.query + [("group", asked.group), ("sort", asked.sort), ("limit", "100")])
            let names = try await UsageNames(asked.ids + (groups?.rows.map { $0["name"] } ?? []), view)
            return PageContent(
                "Usage",
                """
                \(asked.form(names))\(periods.shown(Panel("Calls by \(asked.isHourly ? "hour" : "day")") {
                    UsageChart(periods.rows, isHourly: asked.isHourly).html
                }.html))\(asked.tabs)\(groups.map { $0.shown(usageTable($0.list, asked, names, view)) })
                """)
        }
    ]

    private static let counts = [
        ("Requests", "requests"), ("401", "unauthorized"), ("403", "forbidden"), ("429", "rate_limited"),
        ("Other refusals", "other_refusals"), ("Orders", "orders"),
    ]

    private static func usageTable(
        _ groups: Row, _ asked: UsageAsked, _ names: UsageNames, _ view: SlowView
    ) -> HTML {
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
                [asked.name(row, names, view)] + counts.map { "\(Figure.grouped(row.int($0.1)))" as HTML }
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
    /// Whether what people do by pages counts too, and who showed no key that is known.
    private let isOfAll: Bool
    let group: String
    let sort: String
    let query: [(String, String?)]
    private let view: SlowView

    private static let groups = [("key", "Key"), ("reseller", "Reseller"), ("route", "Route")]
    private static let spans = [
        ("24 hours", "hour", 1), ("7 days", "day", 7), ("30 days", "day", 30), ("A year", "day", 365),
    ]

    init(_ view: SlowView) {
        self.view = view
        isHourly = view.visit.asked("by") == "hour"
        isOfAll = view.visit.asked("callers") == "all"
        let asked = view.visit.asked("group")
        group = Self.groups.contains { $0.0 == asked } ? asked ?? "key" : "key"
        sort = view.visit.asked("sort") ?? "requests"
        query =
            view.asked("reseller", "key", "route", "from", "to")
            + [("by", isHourly ? "hour" : "day"), ("callers", isOfAll ? "all" : "keys")]
    }

    var title: String { Self.groups.first { $0.0 == group }?.1 ?? "" }

    /// What a line is of, as a link to its own counts.
    func name(_ row: Row, _ names: UsageNames, _ view: SlowView) -> HTML {
        guard let name = row.text("name") else {
            return group == "key" ? "people signed in, and nobody known" : "no reseller"
        }
        let link = view.visit.here([(group, name), ("group", group == "route" ? "key" : "route")])
        guard let called = names[name] else { return #"<a href="\#(link)"><code>\#(name)</code></a>"# }
        return #"<a href="\#(link)">\#(view.cut(called))</a> <span class="sub"><code>\#(name)</code></span>"#
    }

    /// What is asked for by its id.
    var ids: [String] { ["reseller", "key"].compactMap { view.visit.asked($0) } }

    var tabs: Tabs {
        Tabs(
            "By",
            Self.groups.map { word, title in
                .init("By \(title.lowercased())", view.visit.here([("group", word)]), isCurrent: word == group)
            })
    }

    func form(_ names: UsageNames) -> HTML {
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
                <li>\(name): \(view.cut(names[value] ?? value)) <a href="\(view.visit.here([(name, nil)]))" aria-label="Without \(name)">×</a></li>
                """
            })</ul>
            """
        let callers = Tabs(
            "Callers",
            [("Calls with a key", nil), ("All calls", "all")].map { title, word in
                .init(title, view.visit.here([("callers", word)]), isCurrent: isOfAll == (word != nil))
            })
        let told: HTML? =
            isOfAll
            ? #"<p class="sub">With what people do who are signed in, and with calls that showed no valid key.</p>"#
            : nil
        return "\(spans)\(callers)\(told)\(if: !chips.isEmpty, shown)"
    }
}

/// What the keys and resellers of counts are called, by their ids. A value: any thread.
private struct UsageNames: Sendable {
    private let names: [String: String]

    /// So many are read in one lane job.
    private static let idsOfStep = 20

    /// `ids`: of either; what else stands among them, a route, has no other name.
    init(_ ids: [String], _ view: SlowView) async throws {
        var (names, rest) = ([String: String](), Array(Set(ids))[...])
        while !rest.isEmpty {
            let some = rest.prefix(Self.idsOfStep)
            names.merge(try await view.reading { try Self.names(some, $0) }) { first, _ in first }
            rest = rest.dropFirst(some.count)
        }
        self.names = names
    }

    private static func names(_ ids: ArraySlice<String>, _ view: View) throws -> [String: String] {
        var names: [String: String] = [:]
        for id in ids {
            let path = id.percentEncoded
            if id.hasPrefix("key_") {
                names[id] = try view.ask("/api-keys/\(path)").map { KeyShown($0).name }
            } else if id.hasPrefix("res_") {
                names[id] = try view.ask("/resellers/\(path)")?.called
            }
        }
        return names
    }

    subscript(_ id: String) -> String? { names[id] }
}

/// Calls over time, each kind of refusal told apart, under a heading that says so. A value: any thread.
struct UsageChart: MarkupPart {
    let html: HTML

    /// A refusal that is counted by itself, by its status.
    enum Refused: String {
        case unauthorized = "401"
        case forbidden = "403"
        case rateLimited = "429"

        fileprivate func count(_ row: Row) -> Int {
            switch self {
            case .unauthorized: row.int("unauthorized")
            case .forbidden: row.int("forbidden")
            case .rateLimited: row.int("rate_limited")
            }
        }
    }

    /// `totals`: of `/usage/total`. `only`: the calls alone that were refused so. `bytesMax`: see `BarChart`.
    init(_ totals: [Row], isHourly: Bool, only: Refused? = nil, bytesMax: Int = 80_000) {
        func values(_ name: String) -> [Int] { totals.map { $0.int(name) } }
        let answered = totals.map { $0.int("requests") - $0.int("refusals") - $0.int("other_refusals") }
        let others = totals.map { row in
            row.int("refusals") - row.int("unauthorized") - row.int("forbidden") - row.int("rate_limited")
                + row.int("other_refusals")
        }
        let denied = zip(values("unauthorized"), values("forbidden")).map(+)
        html =
            BarChart(
                id: "calls", title: "Calls", step: isHourly ? "Hour (UTC)" : "Day",
                labels: totals.map { $0.text("hour").map(HourSpan.label) ?? HourSpan.day($0["day"]) },
                series: only.map { refused in [Series(refused.rawValue, totals.map(refused.count))] } ?? [
                    Series("answered", answered), Series("401 and 403", denied), Series("429", values("rate_limited")),
                    Series("other refusals", others),
                ], none: "No calls in this time.", isTitleSeen: false, bytesMax: bytesMax
            ).html
    }
}
