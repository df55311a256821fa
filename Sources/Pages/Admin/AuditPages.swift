import CallKit
import HTML
import HTTPCore
import PageKit

/// The audit log: who did what, when, with which outcome; each row with its proof, and the whole verified (O6, G5).
extension AdminPages {
    static let audit: [Page] = [
        Page(inSteps: "/audit", "Audit") { view in
            let filter = AuditFilters(view)
            let found = try await filter.list(view)
            let bars = try await filter.bars(view)
            let actions: HTML = """
                \(filter.exports(view))\(if: view.may(.post, "/audit/verify"), verifyLink(view))
                """
            let form = try await filter.form(view)
            return PageContent(
                "Audit", actions: actions,
                "\(form)\(bars)\(found.shown(auditTable(found.list, filter, view).html))")
        },
        Page(
            "/audit/verify", "Verify the audit log",
            afterwards: { visit, _, report in verified(report, visit) }
        ) { view in
            let head = try view.get("/audit/head")
            return PageContent("Verify the audit log", "\(headPanel(head))\(verifyForm(view))")
        },
        Page(inSteps: "/audit/requests/{id}", "A request in the audit log") { view in
            let id = view.visit.parameter()
            let rows = try await view.get("/audit/requests/\(id)", view.asked("at")).rows()
            return PageContent(
                "Request", sub: "\(auditLog(view)) · <code>\(id)</code>", try await AuditRecords(rows, view).html)
        },
        Page(inSteps: "/audit/{seq}", "A row of the audit log") { view in
            let seq = view.visit.parameter()
            let row = try await view.get("/audit/\(seq)", view.asked("request_id"))
            var rows = [row]
            // What else the same call said, in rows of its own.
            if let first = row.rows("records").first, first["request_id"] != AuditRecords.noRequest {
                let near = try await view.ask("/audit/requests/\(first["request_id"])", [("at", first["at"])])
                rows += near?.rows().filter { $0["seq"] != seq } ?? []
            }
            return PageContent("Audit row \(seq)", sub: auditLog(view), try await AuditRecords(rows, view).html)
        },
    ]

    static let auditDownloads = [
        Download("/audit.csv", "/audit.csv", "The audit log as CSV"),
        Download("/audit.jsonl", "/audit.jsonl", "The audit log as JSON Lines"),
    ]

    private static func auditLog(_ view: SlowView) -> HTML { #"<a href="\#(view.link("/audit"))">Audit log</a>"# }

    // MARK: The list

    private static func auditTable(_ list: Row, _ filter: AuditFilters, _ view: SlowView) -> DataTable {
        DataTable(
            caption: "Calls, newest first",
            columns: [
                Column("Time"), Column("Who"), Column("Key"), Column("Action"), Column("Status"),
                Column("Latency", .number),
            ],
            rows: list.rows().map { AuditLine($0).cells(view) },
            empty: Empty("No calls found", filter.wayOn).html,
            narrow: .scroll, previous: view.first(), next: view.next(list))
    }

    // MARK: Verifying

    private static func verifyLink(_ view: SlowView) -> HTML {
        Button("Verify", .primary, leadsTo: view.link("/audit/verify")).html
    }

    private static func headPanel(_ head: Row) -> HTML {
        Panel("The log's head") {
            """
            <p class="sub">It names all that stands in the log up to now. Keep it elsewhere: whoever rewrites the log \
            cannot have it again.</p>\(CopyBox(head["head"], id: "head", label: "head"))\
            \(Facts([
                ("Rows", "\(Figure.grouped(head.int("seq")))"), ("Signature", "<code>\(head["signature"])</code>"),
                ("Public key", "<code>\(head["public_key"])</code>"),
            ]))
            """
        }.html
    }

    private static func verifyForm(_ view: View) -> HTML? {
        guard view.may(.post, "/audit/verify") else { return nil }
        let form = view.form("POST /audit/verify") {
            """
            \(view.field(
                "A head that you kept", "head", hint: "It must stand in the log as it is.", isRequired: false, size: .wide))\
            <div class="actions">\(Button("Verify", .primary))</div>
            """
        }
        return Panel("Verify") {
            """
            <p>Reads every row from the first to the head, computes its hash again and checks the head's signature. A \
            million rows take a while.</p>\(form)
            """
        }.html
    }

    private static func verified(_ report: Row, _ visit: Visit) -> PageContent {
        let isSound = report.bool("sound")
        let findings = report.rows("findings")
        let list: HTML = """
            <ul>\(each: findings, { row -> HTML in
                "<li>\(row.text("seq").map { "Row \($0): " } ?? "")\(row["text"])</li>"
            })</ul>
            """
        let verdict: HTML =
            isSound
            ? "<p><b>Sound.</b> Every row matches its hash, and the head is signed by the tenant’s key.</p>"
            : "<p><b>Not sound:</b> \(Figure.grouped(report.int("finding_count"))) findings.</p>\(list)"
        return PageContent(
            "Verify the audit log",
            """
            \(Notice(isSound ? .good : .bad, verdict))\
            \(Panel("What was verified") {
                """
                \(Facts([
                    ("Result", State(isSound ? "sound" : "not sound", tone: isSound ? .good : .bad).html),
                    ("Rows", "\(Figure.grouped(report.int("rows")))"),
                    ("Calls in blocks", "\(Figure.grouped(report.int("records_in_blocks")))"),
                ]))\(CopyBox(report["head"], id: "head", label: "head"))
                """
            })\
            <div class="actions">\(Button("Verify again", leadsTo: visit.link("/audit/verify")))\
            \(Button("Back to the log", .quiet, leadsTo: visit.link("/audit")))</div>
            """)
    }
}
