import CallKit
import HTML
import HTTPCore
import PageKit

/// A tenant's file, to be taken away: how much the tenant takes here, and of each that was handed out its bytes and
/// their SHA-256, as the provider's log has them (U1, P5).
extension ConsolePages {
    static let exports: [Page] = [
        Page(inSteps: "/tenants/{slug}/export", "Export a tenant", asks: "GET /tenants/{slug}/export") { view in
            let (tenant, _) = try await one(view)
            let slug = tenant["slug"]
            let log = try await view.get(
                "/log", [("tenant", slug), ("action", "\(exported),\(brokenOff)"), ("limit", "\(linesMax)")])
            return PageContent("Export \(slug)", "\(file(tenant, view))\(handedOut(log.rows(), slug, view))")
        }
    ]

    private static let exported = "tenant.exported"
    private static let brokenOff = "tenant.export_broken_off"
    private static let linesMax = 50

    private static func file(_ tenant: Row, _ view: SlowView) -> Panel {
        let slug = tenant["slug"]
        let command = "tollgate tenant export \(slug) --output \(slug).sqlite"
        return Panel("The file") {
            """
            <p>One SQLite file of one moment, with all that the tenant has. The tenant takes \
            \(ConsoleText.bytes(tenant.int("bytes"))) here now; the file may be smaller. Secrets are in it as ciphertext \
            alone, and it ends with the signature of the tenant’s key.</p>
            <p>First a copy is made here, while the tenant goes on. Then it comes with its length and its SHA-256 \
            (<code>Repr-Digest</code>): your browser says how much of it has arrived.</p>
            <div class="actions">\(Button("Download", .primary, leadsTo: view.link("/tenants", slug, "export.sqlite")))\
            \(back(tenant, view))</div>
            <h3>By the command line</h3>\(CopyBox(command, id: "export-command", label: "command"))
            """
        }
    }

    /// `lines`: of the log, newest first. What broke off says so by the same request.
    private static func handedOut(_ lines: [Row], _ slug: String, _ view: SlowView) -> HTML {
        let broken = Dictionary(
            lines.filter { $0["action"] == brokenOff }.map { ($0["request_id"], $0) },
            uniquingKeysWith: { one, _ in one })
        let files = lines.filter { $0["action"] == exported }
        let table = DataTable(
            caption: "Exports, newest first",
            columns: [
                Column("When"), Column("By"), Column("State"), Column("Bytes", .number), Column("SHA-256", .id),
            ],
            rows: files.map { line($0, broken[$0["request_id"]], view) },
            empty: Empty("No exports yet", "Each export that is handed out is listed here.").html)
        let check: HTML = """
            <h2>Is a file whole?</h2><p>This says the same sum as the table where every byte has arrived:</p>\
            \(CopyBox("sha256sum \(slug).sqlite", id: "sum-command", label: "command"))
            """
        let all = view.link("/log", query: [("tenant", slug), ("action", exported)])
        return "\(table)\(if: !files.isEmpty, check)<p><a href=\"\(all)\">All of them in the log</a></p>"
    }

    private static func line(_ line: Row, _ broken: Row?, _ view: SlowView) -> [HTML] {
        // Lines from before they were kept have neither.
        let detail = line.row("detail")
        let bytes: HTML = detail.map { "\(Figure.grouped($0.int("bytes")))" } ?? "–"
        let sum: HTML = detail.map { "<code>\($0["sha256"])</code>" } ?? "–"
        let state: HTML =
            broken.map { broken -> HTML in
                let sent = broken.row("detail").map { " after \(Figure.grouped($0.int("bytes"))) bytes" } ?? ""
                return "\(State("broken off", tone: .bad))\(sent)"
            } ?? "\(State("handed out", tone: .good))"
        let who = line.text("key_name") ?? line.text("via") ?? "the node"
        return ["\(TimeText(line["at"], now: view.visit.call.now))", "\(who)", state, bytes, sum]
    }
}
