import CallKit
import HTML
import HTTPCore
import PageKit

/// How far back the charts of a page look: `?range=24h` or `30d`, the same for all of them. A value: any thread.
struct UsageRange: Sendable {
    let isDays: Bool
    private let links: (hours: Link, days: Link)

    init(_ view: some PageView) {
        isDays = view.visit.asked("range") == "30d"
        links = (view.visit.here([("range", nil)]), view.visit.here([("range", "30d")]))
    }

    /// For `GET /usage/total`.
    var query: [(String, String?)] { [("by", isDays ? "day" : "hour")] }
    var words: String { isDays ? "last 30 days" : "last 24 hours" }
    var step: String { isDays ? "Day" : "Hour" }

    /// Both ranges.
    var switches: HTML {
        var (hours, days) = (Attributes(), Attributes())
        hours.set("aria-current", isDays ? nil : "true")
        days.set("aria-current", isDays ? "true" : nil)
        return """
            <nav class="mode" aria-label="Range"><a href="\(links.hours)"\(hours)>24 hours</a>\
            <a href="\(links.days)"\(days)>30 days</a></nav>
            """
    }

    /// Answered and refused, one upon the other.
    func requests(_ usage: Row) -> BarChart {
        let rows = usage.rows()
        return BarChart(
            id: "requests", title: "Requests", unit: words, step: step, labels: rows.map(label),
            series: [
                Series("answered", rows.map { $0.int("requests") - $0.int("refusals") - $0.int("other_refusals") }),
                Series("refused", rows.map { $0.int("refusals") }),
                Series("other errors", rows.map { $0.int("other_refusals") }),
            ])
    }

    func orders(_ usage: Row) -> BarChart {
        let rows = usage.rows()
        return BarChart(
            id: "orders", title: "Orders", unit: words, step: step, labels: rows.map(label),
            series: [Series("orders", rows.map { $0.int("orders") })])
    }

    /// `13:00`, or `11-28`.
    private func label(_ row: Row) -> String {
        row.text("hour").map { String($0.dropFirst(11).prefix(5)) } ?? String(row["day"].dropFirst(5))
    }
}
