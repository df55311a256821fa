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

    /// For `GET /usage/total`: what programs asked, without the pages that people looked at.
    var query: [(String, String?)] { everybody + [("callers", "keys")] }
    /// The same of programs and people: an order counts, whoever placed it.
    var everybody: [(String, String?)] { [("by", isDays ? "day" : "hour")] }
    var words: String { isDays ? "last 30 days" : "last 24 hours" }
    var step: String { isDays ? "Day" : "Hour (UTC)" }

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
    /// `isTitleSeen`: false where a heading says the same.
    func requests(_ usage: Row, isTitleSeen: Bool = true) -> BarChart {
        let rows = usage.rows()
        return BarChart(
            id: "requests", title: "Calls with keys", unit: words, step: step, labels: rows.map(label),
            series: [
                Series("answered", rows.map { $0.int("requests") - $0.int("refusals") - $0.int("other_refusals") }),
                Series("401, 403 and 429", rows.map { $0.int("refusals") }),
                Series("other refusals", rows.map { $0.int("other_refusals") }),
            ], none: "No calls in this time.", isTitleSeen: isTitleSeen)
    }

    /// `usage`: of everybody.
    func orders(_ usage: Row) -> BarChart {
        let rows = usage.rows()
        return BarChart(
            id: "orders", title: "Orders", unit: words, step: step, labels: rows.map(label),
            series: [Series("orders", rows.map { $0.int("orders") })], none: "No orders in this time.")
    }

    /// `13:00`, or `28 Nov`.
    private func label(_ row: Row) -> String {
        row.text("hour").map { String($0.dropFirst(11).prefix(5)) } ?? HourSpan.day(row["day"])
    }
}
