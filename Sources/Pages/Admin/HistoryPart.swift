import CallKit
import HTML
import PageKit

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
