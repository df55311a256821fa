import CallKit
import HTML
import HTTPCore
import PageKit

/// A tenant's file taken back, and a tenant that moves to another node (U1, P5, P10).
extension ConsolePages {
    static let copies: [Page] = [restore, move]

    /// A longer file is sent by a program.
    private static let uploadBytesMax = Route.importBytesMax

    private static let restore = Page(
        inSteps: "/tenants/{slug}/restore", "Restore a tenant", asks: "POST /tenants/{slug}/restore",
        bodyBytesMax: uploadBytesMax,
        afterwards: { visit, _, done in
            let slug = done["slug"]
            return PageContent(
                "\(slug) is restored",
                """
                \(Notice(.good, "<p>The file has taken the place of the one before.</p>"))\(Panel("What is there now") {
                    """
                    \(Facts([
                        ("Incarnation", "\(done["incarnation"])"), ("Audit head", "<code>\(done["audit_head"])</code>"),
                    ]))
                    <p>Deliveries are held and provisioning waits until the operator resumes them.</p>
                    <div class="actions">\(Button("The tenant", .primary, leadsTo: visit.link("/tenants", slug)))</div>
                    """
                })
                """)
        }
    ) { view in
        let (tenant, path) = try await one(view)
        let slug = tenant["slug"]
        let form = view.form("POST \(path)/restore", said: .imported, sendsFiles: true) {
            """
            \(FormField.hidden("_type", "application/vnd.sqlite3"))
            \(view.field(
                "Export", "file", .file(".sqlite"),
                hint: "At most \(ConsoleText.bytes(uploadBytesMax)) here; longer files by the command line, below."))
            \(view.field(
                "Signature", "unsigned",
                .select([.init("", "Only what this tenant’s gateway signed"), .init("accept", "Unsigned too, if all else is sound")]),
                isRequired: false))
            <div class="actions">\(Button("Check and restore", .danger))\(back(tenant, view))</div>
            """
        }
        let command = """
            tollgate tenant restore \(slug) --input \(slug).sqlite
            """
        return PageContent(
            "Restore \(slug)",
            """
            \(Panel("What will happen") {
                """
                <p>The file is checked in full before it replaces anything:</p>
                <ol><li>It is a file of this very tenant, whole, and of a version that this node knows.</li>
                <li>It is signed by the tenant’s gateway and was not changed since.</li>
                <li>Every balance is the sum of its postings, and the audit chain holds, row by row.</li>
                <li>No key in it is another tenant’s.</li></ol>
                <p>What happened since the export is gone. Keys revoked since stay revoked.</p>\(form)
                """
            })\(Panel("By the command line") { "\(CopyBox(command, id: "restore-command", label: "command"))" })
            """)
    }

    private static let move = Page(inSteps: "/tenants/{slug}/move", "Move a tenant", asks: "POST /tenants/{slug}/move")
    { view in
        let (tenant, path) = try await one(view)
        let slug = tenant["slug"]
        if tenant["state"] == "moved", view.visit.asked("confirm") == "yes" {
            return confirming(tenant, path, view)
        }
        return PageContent(
            "Move \(slug)", tenant["state"] == "moved" ? moving(tenant, path, view) : leaving(tenant, path, view))
    }

    private static func leaving(_ tenant: Row, _ path: String, _ view: SlowView) -> HTML {
        let slug = tenant["slug"]
        let whole = "tollgate tenant move \(slug) --to https://node2.example --to-key tgp_live_…"
        return """
            \(Panel("All of it at once") {
                """
                <p>One command seals the tenant here, takes it to the other node, and confirms. It takes the first step back where a
                later one is refused.</p>\(CopyBox(whole, id: "move-command", label: "command"))
                """
            })\(Panel("Or step by step") {
                """
                <p>First seal it: from then on nothing is written here, and every caller is told where it will be.</p>
                \(view.form("POST \(path)/move", said: .moved) {
                    """
                    \(view.field("Its address there", "base_url", .url, hint: "https://node2.example/t/\(slug)", size: .wide))
                    <div class="actions">\(Button("Seal it", .danger))\(back(tenant, view))</div>
                    """
                })
                """
            })
            """
    }

    private static func confirming(_ tenant: Row, _ path: String, _ view: SlowView) -> PageContent {
        view.confirmation(
            "Say that \(tenant["slug"]) lives there", sub: "<code>\(tenant["moved_to"])</code>",
            """
            <ul><li>For good: the seal here cannot be taken off any more.</li>
            <li>Look first whether the other node serves it: open the address above.</li></ul>
            """, button: "It lives there", "POST \(path)/move/confirm", said: .confirmed,
            back: view.visit.here([("confirm", nil)]))
    }

    private static func moving(_ tenant: Row, _ path: String, _ view: SlowView) -> HTML {
        let slug = tenant["slug"]
        let lines = """
            tollgate tenant export \(slug) --output \(slug).tollgate --with-secrets --passphrase-file words
            tollgate tenant import --input \(slug).tollgate --passphrase-file words   # on the other node
            """
        return """
            \(Notice(.info, "<p>Sealed: callers are told that it is at <code>\(tenant["moved_to"])</code>.</p>"))
            \(Panel("Take it there") {
                """
                <p>The bundle has the tenant’s secrets, sealed under a passphrase that you choose.</p>
                \(CopyBox(lines, id: "move-commands", label: "commands", isBlock: true))
                """
            })\(Panel("Then") {
                """
                <p>Once it is served there, say so. Until then you can take the seal off.</p><div class="actions">
                \(Button("It lives there…", .primary, leadsTo: view.visit.here([("confirm", "yes")])))
                \(view.button("Take it back", "DELETE \(path)/move", said: .undone))\(back(tenant, view))</div>
                """
            })
            """
    }
}
