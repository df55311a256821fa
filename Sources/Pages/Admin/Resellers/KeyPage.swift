import CallKit
import HTML
import HTTPCore
import PageKit

/// One key: its limit, tuned and rehearsed, its calls, and who changed what (O1, O2).
extension AdminPages {
    static let key: [Page] = [
        Page(inSteps: "/keys/{id}", "Key") { view in
            let key = try await KeyView(view)
            let path = "/api-keys/\(key.id)/limit"
            let limit = key.row.row("limit")
            if key.mayChange, limit != nil, view.visit.asked("confirm") == "limit" { return unlimiting(key, view) }
            let rehearsal = try await RehearsalPanel(
                path: "\(path)/rehearse", limit: limit, applies: (.put, path, ""), isOpen: key.mayChange
            ).html(view)
            let history = try await LimitHistory(view, "\(path)/history")
            let changes = try await ChangesPart([("object", key.id)], id: "changes", view)
            let more = view.link("/usage", query: [("key", key.id), ("by", "hour")])
            return PageContent(
                key.name, sub: key.sub, actions: actions(key, view),
                """
                \(rotating(key))<div class="cols"><div>\(tuner(key, view))\
                \(Panel("Calls", actions: Button("Usage", leadsTo: more).html) { key.row.chart })</div>\
                <div>\(rehearsal)</div></div>\(history)\(facts(key, view))\(changes?.html)
                """)
        },
        // Small, for the meter that is taken anew each second.
        Page("/keys/{id}/limit/now", "Limit of a key", isWatched: true) { view in
            let row = try view.get("/api-keys/\(view.visit.parameter())/limit")
            let shown = KeyShown(row)
            return PageContent(
                "Limit of \(shown.name)", Panel("Limit") { meter(row, row["id"], view) }.html)
        },
    ]

    private static func actions(_ key: KeyView, _ view: SlowView) -> HTML {
        let rotate: HTML? = key.mayRotate ? Button("Rotate…", leadsTo: view.link("/keys", key.id, "rotate")).html : nil
        let revoke: HTML? =
            key.mayRevoke ? Button("Revoke…", .danger, leadsTo: view.link("/keys", key.id, "revoke")).html : nil
        return "\(rotate)\(revoke)"
    }

    private static func rotating(_ key: KeyView) -> HTML? {
        key.row.text("previous_valid_until").map { end in
            Notice(.info, "<p>Its secret before this one works too, until \(TimeText(end)).</p>").html
        }
    }

    // MARK: The limit

    private static func meter(_ row: Row, _ id: String, _ view: some PageView) -> HTML {
        if let limit = row.row("limit") { return LimitShown(row: limit).meter(view.link("/keys", id, "limit", "now")) }
        let other: HTML =
            row.text("reseller").map { reseller -> HTML in
                #"<a href="\#(view.link("/resellers", reseller, "limit"))">The reseller's limit</a> holds for it."#
            } ?? "Only the tenant's own limit holds for it."
        return "<p>No limit of its own. \(other)</p>"
    }

    private static func tuner(_ key: KeyView, _ view: SlowView) -> HTML {
        Panel("Limit", id: "tuner") {
            let use = meter(key.row, key.id, view)
            guard key.mayChange else { return use }
            let path = "/api-keys/\(key.id)/limit"
            let limit = key.row.row("limit")
            let form = view.form("PUT \(path)", said: .applied, swap: "tuner history") {
                """
                \(LimitShown.fields(view, limit))<div class="actions">\(Button("Apply", .primary))</div>
                """
            }
            guard limit != nil else { return "\(use)\(form)" }
            let fill = view.button("Fill again", "POST \(path)/reset", said: .applied)
            let remove = Button("Take the limit away…", .quiet, leadsTo: view.visit.here([("confirm", "limit")]))
            return "\(use)\(form)<div class=\"actions\">\(fill)\(remove)</div>"
        }.html
    }

    private static func unlimiting(_ key: KeyView, _ view: SlowView) -> PageContent {
        let words = key.row.row("limit").map { LimitShown(row: $0).words } ?? ""
        let rest = key.row.text("reseller") == nil ? "the tenant's own limit" : "its reseller's limit"
        return view.confirmation(
            "Take the limit away: \(key.name)", sub: key.sub,
            """
            <p>Its limit of \(words) ends with the answer: only \(rest) holds for it then. You can give it another one.</p>
            """, button: "Take the limit away", "DELETE /api-keys/\(key.id)/limit", said: .removed,
            back: view.visit.here([("confirm", nil)]))
    }

    // MARK: What it is

    private static func facts(_ key: KeyView, _ view: SlowView) -> HTML {
        let row = key.row
        let calls = view.link("/audit", query: [("key", key.id)])
        let facts = Facts([
            ("Id", "<code>\(row["id"])</code>"), ("Role", "\(row["role"])"), ("Mode", "\(State(row["mode"]))"),
            ("Scopes", "\(KeyShown(row).scopes)"), ("Made", TimeText(row["created_at"]).html),
            ("Expires", row.text("expires_at").map { TimeText($0).html } ?? "never"),
            ("Revoked", row.text("revoked_at").map { TimeText($0).html }),
        ])
        return Panel("Key", actions: Button("Its calls", leadsTo: calls).html) { facts.html }.html
    }
}

extension Row {
    fileprivate var chart: HTML { KeyShown(self).chart.html }
}

/// Who changed a limit, newest first, each with its row in the audit log and that row's proof. A value: any thread.
struct LimitHistory: MarkupPart {
    let html: HTML

    private static let shownMax = "10"

    init(_ view: SlowView, _ path: String) async throws {
        let (changes, head) = try await view.reading { view in
            let changes = try view.get(path, [("limit", Self.shownMax)]).rows()
            return (changes, changes.isEmpty ? nil : try view.get("/audit/head"))
        }
        let proofs = try await Proof.all(of: changes, view)
        let lines = changes.map { change in
            let request = change["request_id"]
            return History.Change(
                at: change["at"], who: change.text("account") ?? change.text("key") ?? "the provider",
                values: ["<del>\(Self.words(change.row("from")))</del> <ins>\(Self.words(change.row("to")))</ins>"],
                requestID: request, proof: proofs[request])
        }
        let history = History(lines, empty: "Nobody yet: changes will be listed here.", proof: head, view)
        html = Panel("Who changed this limit", id: "history") { history.html }.html
    }

    private static func words(_ limit: Row?) -> String { limit.map { LimitShown(row: $0).words } ?? "none" }
}

/// Whether rows of the audit log are as they were written. A value: any thread.
struct Proof: MarkupPart {
    let html: HTML

    /// `rows`: of one request.
    init(_ rows: [Row]) {
        html =
            switch rows.allSatisfy({ $0.bool("sound") }) {
            case _ where rows.isEmpty: State("not in the log", tone: .bad).html
            case true: State("in the chain", tone: .good).html
            case false: State("not sound", tone: .bad).html
            }
    }

    /// By request: of those that made these changes, each of which says its `request_id` and when it came.
    static func all(of changes: [Row], _ view: SlowView) async throws -> [String: Proof] {
        let requests = changes.compactMap { change in change.text("request_id").map { ($0, change["at"]) } }
            .filter { $0.0 != AuditRecords.noRequest }
        let times = Array(Dictionary(requests, uniquingKeysWith: { first, _ in first }))
        if times.isEmpty { return [:] }
        let found = try await view.ask(
            "/audit/requests",
            [("ids", times.map(\.key).joined(separator: ",")), ("at", times.map(\.value).joined(separator: ","))])
        var rows: [String: [Row]] = [:]
        for row in found?.rows() ?? [] {
            for id in Set(row.rows("records").map { $0["request_id"] }) { rows[id, default: []].append(row) }
        }
        return Dictionary(uniqueKeysWithValues: times.map { ($0.key, Proof(rows[$0.key] ?? [])) })
    }
}
