import CallKit
import HTML
import HTTPCore
import PageKit

/// What operators changed about one thing, newest first, each with its row in the audit log and that row's proof. A
/// value: any thread.
struct ChangesPart: MarkupPart {
    let html: HTML

    private static let shownMax = 10
    /// Steps of one call are one change: so many rows hold enough.
    private static let rowsMax = "50"

    /// `filter`: what of the audit log is about the thing, say its `object`. Nil where the reader may not see the log,
    /// and where there is no such thing, as the rest of its page says.
    init?(
        _ filter: [(String, String?)], id: String = "history", more: HTML? = nil, _ view: SlowView
    ) async throws {
        let asked = filter + [("author", "operators")]
        guard view.may(.get, "/audit") else { return nil }
        let found = try await view.found("/audit", asked + [("without", "sessions"), ("limit", Self.rowsMax)])
        if found.isRefused { return nil }
        let calls = Timeline.calls(found.rows).prefix(Self.shownMax)
        let proofs = try await Proof.all(of: calls.compactMap(\.first), view)
        let changes = calls.compactMap { call in
            call.first.map { row in Self.change(call, row, proofs[row["request_id"]], view) }
        }
        let head = changes.isEmpty ? nil : try await view.ask("/audit/head")
        let isWhole = found.list.optional("next_cursor") == nil
        let history = History(
            changes,
            empty: isWhole
                ? "No operator has changed it yet."
                : "None of the operators’ latest changes is to this: “All changes” goes further back.", proof: head,
            view)
        let all = Button("All changes", .quiet, leadsTo: view.link("/audit", query: asked))
        html = Panel("Who changed it", id: id, actions: "\(all)\(more)") { history.html }.html
    }

    /// `rows`: of one call. What had another value before stands with both.
    private static func change(_ rows: [Row], _ row: Row, _ proof: Proof?, _ view: SlowView) -> History.Change {
        let members = rows.flatMap { $0.row("detail")?.members ?? [] }
        let money = AuditMoney(view)
        func said(_ member: (name: String, value: Row)) -> String {
            money.text(member.name, member.value.value) ?? member.value.value
        }
        let values = members.compactMap { member -> HTML? in
            guard let old = members.first(where: { $0.name == member.name + AuditDetail.before }) else {
                return nil
            }
            return "\(member.name.spaced) <del>\(said(old))</del> <ins>\(said(member))</ins>"
        }
        let title: HTML = Timeline.title(of: row["action"], view).map { "\($0)" } ?? "<code>\(row["action"])</code>"
        return History.Change(
            at: row["at"], who: row.text("account") ?? row.text("key") ?? "the provider",
            about: values.isEmpty ? nil : title, values: values.isEmpty ? [title] : values,
            requestID: row.text("request_id"), proof: proof)
    }
}

/// Who changed what: when, by whom, from what to what, and the call that did it with its place in the audit log. A
/// value: any thread.
struct History: MarkupPart {
    struct Change: Sendable {
        let at: String
        /// Person or key.
        let who: String
        /// What it was of, where the list is of several things.
        var about: HTML?
        /// Each changed value.
        let values: [HTML]
        /// Nil where no call did it.
        let requestID: String?
        /// Of its row in the audit log, where it was looked at.
        var proof: Proof?
    }

    let html: HTML

    /// `proof`: of `/audit/head`; what stands in the list is in the chain that it signs.
    init(_ changes: [Change], empty: String, proof: Row?, _ view: some PageView) {
        guard !changes.isEmpty else {
            html = #"<p class="sub">\#(empty)</p>"#
            return
        }
        let now = view.visit.call.now
        let lines: [HTML] = changes.map { change in
            let about: HTML? = change.about.map { "\($0): " }
            let values = change.values.enumerated().map { $0.offset == 0 ? $0.element : "; \($0.element)" }
            let row: HTML? = change.requestID.map { id in
                let link = view.link("/audit/requests", id, query: [("at", change.at)])
                return #" · <a href="\#(link)">Audit row</a> <code>\#(id)</code> \#(change.proof.map { $0.html })"#
            }
            return """
                <li>\(TimeText(change.at, now: now))<div>\(about)\(values)<br><span \
                class="sub">\(change.who)\(row)</span>\
                </div></li>
                """
        }
        html = #"<ol class="timeline">\#(lines)</ol>\#(proof.map { Self.proof($0, view) })"#
    }

    private static func proof(_ head: Row, _ view: some PageView) -> HTML {
        """
        <p class="sub">In the audit chain, signed to head \(head["seq"]) <code>\(head["hash"].prefix(16))…</code> · \
        <a href="\(view.link("/audit/verify"))">Verify</a></p>
        """
    }
}
