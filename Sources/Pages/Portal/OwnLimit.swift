import HTML
import HTTPCore
import PageKit

/// The limit that all of a reseller's keys share, as it stands now (U3, O2).
extension PortalPages {
    static let limit: [Page] = [
        // Small, for the meter that is taken anew.
        Page("/limit/now", "Limit now", isWatched: true) { view in
            PageContent("Limit now", "\(limitPanel(try view.get("/limit"), view))")
        }
    ]

    /// A look takes one of the calls that it counts: a twentieth of them at most.
    private static func meterSeconds(_ row: Row) -> Int {
        let requests = max(1, row.int("requests"))
        return max(5, (20 * row.int("window_seconds") + requests - 1) / requests)
    }

    /// `row`: as the API has it; nil for whoever may not read it, who has no calls to count.
    static func limitPanel(_ row: Row?, _ view: some PageView) -> HTML? {
        guard let row else { return nil }
        let limit = LimitShown(row: row)
        return Panel("Limit of your calls") {
            """
            <p>\(limit.words) <span class="sub">· all of your keys share it, whatever limits of their own they have</span></p>\
            \(limit.meter(view.link("/limit/now"), seconds: meterSeconds(row)))
            """
        }.html
    }
}
