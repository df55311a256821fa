import CallKit
import HTML
import HTTPCore
import PageKit

/// What was done, as the audit log has it: when, by whom, and what about. A value: any thread.
struct Timeline: MarkupPart {
    let html: HTML

    /// Ids and amounts of a call's detail are shown; so many of them.
    private static let detailsMax = 4
    /// Said by the line already, or for programs; and what ends in `rows` is a proof's.
    private static let unshown: Set<String> = ["posting", "postings", "reseller"]
    /// Of calls of pages, which no API describes.
    private static let words = [
        "POST /sign-in": "Sign in by the page", "POST /sandbox-pay/{orderId}": "Answer a payment of the sandbox",
        "POST /invite/{token}": "Set a password by an invitation",
        "POST /reset-password/{token}": "Set a new password by a link", "POST /sign-out": "Sign out",
        "POST /apply": "Apply as a reseller",
        "tenant.created": "The tenant was created",
    ]

    /// `rows`: audit records, newest first. `more`: where all of them are.
    init(_ rows: [Row], _ title: String, more: HTML? = nil, _ view: some PageView) {
        html =
            Panel(title, actions: more) {
                if rows.isEmpty { return "<p>Nothing has been done yet.</p>" }
                return #"<ol class="timeline">\#(each: Self.calls(rows), { Self.line($0, view) })</ol>"#
            }.html
    }

    /// A call that wrote in several steps has a row for each: it is one thing that was done.
    private static func calls(_ rows: [Row]) -> [[Row]] {
        var calls: [[Row]] = []
        for row in rows {
            if calls.last?.first?["request_id"] == row["request_id"] {
                calls[calls.count - 1].append(row)
            } else {
                calls.append([row])
            }
        }
        return calls
    }

    private static func line(_ rows: [Row], _ view: some PageView) -> HTML {
        guard let row = rows.first else { return "" }
        let action = row["action"]
        let words = view.visit.words(ofAction: action) ?? Self.words[action]
        let name: HTML = words.map { "\($0)" } ?? "<code>\(action)</code>"
        let by: HTML? = row.text("account").map { " by \($0)" }
        let mode: HTML? = row["mode"] == "test" ? " \(State("test"))" : nil
        let log = view.link("/audit", query: [("request_id", row["request_id"])])
        let details = Self.details(rows)
        return """
            <li>\(TimeText(row["at"], now: view.visit.call.now))<div><a href="\(log)">\(name)</a>\(by)\(mode)\
            \(if: !details.isEmpty, #"<p class="sub">\#(details)</p>"#)</div></li>
            """
    }

    private static func details(_ rows: [Row]) -> String {
        var told: [String] = []
        for member in rows.flatMap({ $0.row("detail")?.members ?? [] }) {
            let (name, value) = (member.name, member.value.value)
            if value.isEmpty || unshown.contains(name) || name.hasSuffix("rows") { continue }
            let text = "\(name.spaced): \(value)"
            if !told.contains(text) { told.append(text) }
        }
        return told.prefix(detailsMax).joined(separator: " · ")
    }
}

extension String {
    /// `top_up` for people: “top up”.
    var spaced: String { replacing("_", with: " ") }
}
