import HTML
import HTTPCore
import PageKit

/// A reseller's limit, which all of its keys share: tuned, rehearsed, and who changed it (O2, O3).
extension AdminPages {
    static let resellerLimit: [Page] = [
        Page(inSteps: "/resellers/{id}/limit", "Limit of a reseller") { view in
            let id = view.visit.parameter()
            let reseller = try await view.get("/resellers/\(id)")
            let limit = reseller.row("rate_limit") ?? Row(.null)
            let rehearsal = try await RehearsalPanel(
                path: "/resellers/\(id)/rate-limit/rehearse", limit: limit,
                applies: (.patch, "/resellers/\(id)", "rate_limit."), isOpen: reseller["status"] != "terminated"
            ).html(view)
            let history = try await LimitHistory(view, "/resellers/\(id)/rate-limit/history")
            let name = reseller.text("company") ?? reseller["name"]
            return PageContent(
                "Limit of \(name)",
                sub: """
                    <a href="\(view.link("/resellers", id))"><code>\(id)</code></a> · \(State(reseller["status"])) · \
                    all of its keys share it
                    """,
                actions: Button("Its keys", leadsTo: view.link("/keys", query: [("reseller", id)])).html,
                """
                <div class="cols"><div>\(tuner(id, limit, reseller, view))</div><div>\(rehearsal)</div></div>\(history)
                """)
        },
        // Small, for the meter that is taken anew each second.
        Page("/resellers/{id}/limit/now", "Limit of a reseller now", isWatched: true) { view in
            let id = view.visit.parameter()
            let limit = LimitShown(row: try view.get("/resellers/\(id)").row("rate_limit") ?? Row(.null))
            return PageContent(
                "Limit of \(id)", Panel("Limit") { limit.meter(view.link("/resellers", id, "limit", "now")) }.html)
        },
    ]

    private static func tuner(_ id: String, _ limit: Row, _ reseller: Row, _ view: SlowView) -> HTML {
        Panel("Limit", id: "tuner") {
            let use = LimitShown(row: limit).meter(view.link("/resellers", id, "limit", "now"))
            guard view.may(.patch, "/resellers/\(id)"), reseller["status"] != "terminated" else { return use }
            let form = view.form("PATCH /resellers/\(id)", said: .applied, swap: "tuner history") {
                """
                \(LimitShown.fields(view, limit, prefix: "rate_limit."))\
                <div class="actions">\(Button("Apply", .primary))</div>
                """
            }
            return "\(use)\(form)"
        }.html
    }
}
