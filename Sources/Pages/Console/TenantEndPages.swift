import CallKit
import HTML
import HTTPCore
import PageKit

/// What stops or ends a tenant: each on a page of its own that says what will happen (U1, P3, P4, P5).
extension ConsolePages {
    static let endings: [Page] = [suspend, cancel, refund, delete]

    private static let suspend = Page(
        inSteps: "/tenants/{slug}/suspend", "Suspend a tenant", asks: "POST /tenants/{slug}/suspend"
    ) { view in
        let (tenant, path) = try await one(view)
        let counts = tenant.row("counts")
        return PageContent(
            "Suspend \(tenant["slug"])",
            """
            \(Panel("What will happen") {
                """
                <ul><li>From the next call on every call is refused: of its operators, of \
                \(Figure.counted(counts?.int("resellers") ?? 0, "reseller", "resellers")) and of \
                \(Figure.counted(counts?.int("keys") ?? 0, "key", "keys")).</li>
                <li>Nothing is charged, sent or provisioned meanwhile.</li>
                <li>Nothing of it is lost, and you can resume it at any time.</li></ul>
                \(view.form("POST \(path)/suspend", said: .suspended, next: view.link("/tenants", tenant["slug"])) {
                    #"<div class="actions">\#(Button("Suspend it", .danger))\#(back(tenant, view))</div>"#
                })
                """
            })
            """)
    }

    private static let cancel = Page(
        inSteps: "/tenants/{slug}/cancel", "Cancel a tenant", asks: "POST /tenants/{slug}/cancel"
    ) { view in
        let (tenant, path) = try await one(view)
        return PageContent(
            "Cancel \(tenant["slug"])",
            """
            \(Panel("What will happen") {
                """
                <ul><li>It is served until its running month ends, counted from the day it was made.</li>
                <li>Then every call is refused. Its file stays, and can be exported for 30 days.</li>
                <li>Until then you can take it back.</li></ul>
                \(view.form("POST \(path)/cancel", said: .cancelled, next: view.link("/tenants", tenant["slug"])) {
                    #"<div class="actions">\#(Button("Cancel it", .danger))\#(back(tenant, view))</div>"#
                })
                """
            })
            """)
    }

    private static let refund = Page(
        inSteps: "/tenants/{slug}/refund", "Refund a tenant", asks: "POST /tenants/{slug}/refund"
    ) { view in
        let (tenant, path) = try await one(view)
        let until = tenant["refundable_until"]
        let isOpen = until > view.visit.call.now.text
        let form = view.form("POST \(path)/refund", said: .refunded, next: view.link("/tenants", tenant["slug"])) {
            #"<div class="actions">\#(Button("Refund it now", .danger))\#(back(tenant, view))</div>"#
        }
        let cancelling = view.link("/tenants", tenant["slug"], "cancel")
        let closed = Notice(
            .bad, #"<p>The 14 days ended on \#(TimeText(until)). <a href="\#(cancelling)">Cancel it instead</a>.</p>"#)
        return PageContent(
            "Refund \(tenant["slug"])",
            """
            \(if: !isOpen, closed.html)\(Panel("What will happen") {
                """
                <ul><li>Access ends at once, for everybody. It cannot be taken back.</li>
                <li>Nothing is charged, delivered or provisioned any more.</li>
                <li>Its file can be exported for 30 days.</li></ul>
                \(if: isOpen, "<p>Refunds are possible until \(refundable(tenant, view)).</p>\(form)")\
                \(if: !isOpen, #"<div class="actions">\#(back(tenant, view))</div>"#)
                """
            })
            """)
    }

    private static let delete = Page(
        inSteps: "/tenants/{slug}/delete", "Delete a tenant", asks: "DELETE /tenants/{slug}"
    ) { view in
        let (tenant, path) = try await one(view)
        let slug = tenant["slug"]
        let counts = tenant.row("counts")
        let form = view.form("DELETE \(path)", said: .deleted, next: view.link("")) {
            """
            \(view.field(
                "Type “\(slug)”", "confirm", hint: "So that the wrong one is not erased.", autocomplete: "off", size: .short))
            \(view.field(
                "Days from now", "after_days", .number, hint: "1 to 365; until then you can keep it. Empty: at once.",
                isRequired: false, size: .short))
            <div class="actions">\(Button("Erase it for ever", .danger))\(back(tenant, view))</div>
            """
        }
        return PageContent(
            "Delete \(slug)",
            """
            \(Panel("What will happen") {
                """
                <ul><li>\(Figure.counted(counts?.int("resellers") ?? 0, "reseller", "resellers")), \
                \(Figure.counted(counts?.int("keys") ?? 0, "key", "keys")) and everything that was ever ordered are erased, \
                with the audit log.</li>
                <li>Nothing brings them back but an export: <a href="\(view.link("/tenants", slug, "export.sqlite"))">take one now</a>.</li>
                <li>The slug is free for somebody else; its keys are dead for ever.</li></ul>\(form)
                """
            })
            """)
    }

    /// The day, and how many are left.
    static func refundable(_ tenant: Row, _ view: some PageView) -> HTML {
        let (until, now) = (tenant["refundable_until"], view.visit.call.now)
        let left: HTML = ", \(TimeText(until, now: now))"
        return "\(TimeText(until))\(if: until > now.text, left)"
    }

    static func one(_ view: SlowView) async throws -> (tenant: Row, path: String) {
        let path = "/tenants/\(view.visit.parameter())"
        return (try await view.get(path), path)
    }

    static func back(_ tenant: Row, _ view: SlowView) -> Button {
        Button("Back", .quiet, leadsTo: view.link("/tenants", tenant["slug"]))
    }
}
