import CallKit
import HTML
import HTTPCore
import PageKit

/// A key as the list of keys with their activity has it. A value: any thread.
struct KeyShown {
    let row: Row

    init(_ row: Row) { self.row = row }

    var id: String { row["id"] }
    var reseller: String? { row.text("reseller") }
    var name: String { row.nameOfKey }

    var state: State {
        let state = row.keyState
        if state != "active" { return State(state, tone: .quiet) }
        return State(row.text("previous_valid_until") != nil ? "rotating" : state)
    }

    var scopes: String { row.texts("scopes").joined(separator: " ") }

    /// What it may: scopes bind resellers' keys alone, people's are bound by their role.
    var reach: String { row["role"] == "reseller" ? scopes : row["role"] }

    func lastUsed(_ view: some PageView) -> HTML { view.lastUse(row.text("last_used_at")) }

    private var answered: [Int] {
        row.rows("hours").map { $0.int("requests") - $0.int("refusals") - $0.int("other_refusals") }
    }
    private var refused: [Int] { row.rows("hours").map { $0.int("refusals") + $0.int("other_refusals") } }
    private var series: [Series] { [Series("answered", answered), Series("refused", refused)] }

    var spark: HTML {
        row.int("requests") == 0
            ? #"<span class="sub">no calls</span>"# : Sparkline("24 h", series: series).html
    }

    var chart: BarChart {
        BarChart(
            id: "day", title: "Calls of the last 24 hours", step: "Hour (UTC)",
            labels: row.rows("hours").map { HourSpan.label($0["hour"]) }, series: series)
    }
}

/// A key on a page of its own, and what may be done with it. A value: any thread.
struct KeyView {
    let row: Row
    let mayChange: Bool
    let mayRevoke: Bool
    let mayRotate: Bool
    let sub: HTML

    var id: String { row["id"] }
    var name: String { KeyShown(row).name }

    init(_ view: SlowView) async throws {
        let id = view.visit.parameter()
        // Named by its own id: an unknown one is not found there.
        guard let row = try await view.get("/api-keys/activity", [("key", id)]).rows().first else {
            throw Refusal.notFound(.path)
        }
        self.row = row
        // The owner's keys are the owner's (O1): the API says so again.
        let isOwner = view.may(.post, "/api-keys")
        let isOpen = row.keyState == "active"
        let isReachable = row["role"] != "owner" || isOwner
        mayChange = isOpen && isReachable && view.may(.put, "/api-keys/\(id)/limit")
        // What has ended by itself may be revoked for good.
        mayRevoke = row.text("revoked_at") == nil && isReachable && view.may(.delete, "/api-keys/\(id)")
        mayRotate =
            isOpen && view.may(.post, "/api-keys/\(id)/rotate")
            && (isOwner || row.text("owner_email") == view.visit.surroundings?.who)
        let shown = KeyShown(row)
        let whose: HTML =
            shown.reseller.map { #"<a href="\#(view.link("/resellers", $0))">\#(row["owner_email"])</a>"# }
            ?? "\(row["owner_email"])"
        sub = """
            <a href="\(view.link("/keys"))">Keys</a> · \(whose) · \
            last used \(shown.lastUsed(view)) · \(shown.state)\
            \(if: row["mode"] == "test", " \(State("test"))")
            """
    }
}

extension SlowView {
    /// Those that have a page. A session is a key too, and has none (0009).
    func keysWithPages(_ ids: [String]) async throws -> Set<String> {
        try await reading { view in
            try Set(ids).filter { try view.ask("/api-keys/\($0)") != nil }
        }
    }

    /// To the key's page; of a session to its calls.
    func keyLink(_ id: String, in paged: Set<String>) -> HTML {
        if paged.contains(id) { return idLink("/keys", id) }
        let calls = link("/audit", query: [("key", id)])
        return #"<a href="\#(calls)"><code>\#(id)</code></a> <span class="sub">a session</span>"#
    }
}
