import CallKit
import HTML
import PageKit

/// Who changed a reseller's state, balance and terms, as the audit log has it. A value: any thread.
struct ResellerHistory: MarkupPart {
    let html: HTML

    private static let shownMax = 10

    /// `rows`: the audit log's, newest first. `head`: of `/audit/head`, where the reader may ask it.
    init(_ rows: [Row], head: Row?, _ id: String, _ view: some PageView) {
        let changes = rows.compactMap { Self.change($0) }.prefix(Self.shownMax)
        let all: HTML = """
            \(Button("All changes", .quiet, leadsTo: view.link("/audit", query: [("reseller", id), ("changes", "true")])))\
            \(Button("Prices", .quiet, leadsTo: view.link("/prices/history", query: [("reseller", id)])))
            """
        let empty =
            rows.count == 1
            ? "Its last entry in the log is no change of its state, terms or balance by hand."
            : "None of its last \(rows.count) entries in the log is a change of its state, terms or balance by hand."
        let history = History(
            Array(changes), empty: rows.isEmpty ? "Nothing was changed yet." : empty, proof: head, view)
        html = Panel("Who changed it", id: "history", actions: "\(all)") { history.html }.html
    }

    /// Nil where nothing had another value before.
    private static func change(_ row: Row) -> History.Change? {
        let members = row.row("detail")?.members ?? []
        let values = members.compactMap { member -> HTML? in
            guard let old = members.first(where: { $0.name == member.name + CallKit.AuditDetail.before }) else {
                return nil
            }
            return "\(member.name.spaced) <del>\(old.value.value)</del> <ins>\(member.value.value)</ins>"
        }
        if values.isEmpty { return nil }
        return History.Change(
            at: row["at"], who: row.text("account") ?? row.text("key") ?? "the provider", values: values,
            requestID: row.text("request_id"))
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
