import CallKit
import HTML
import HTTPCore
import PageKit

/// One tenant as the provider sees it: what it is, how it fares, what may be done with it (U1).
extension ConsolePages {
    static let tenant: [Page] = [
        Page(inSteps: "/tenants/{slug}", "A tenant") { view in
            let slug = view.visit.parameter()
            let path = "/tenants/\(slug)"
            let tenant = try await view.get(path)
            let traffic = try await view.get("/traffic", [("tenant", slug)])
            let log = try await view.ask("/log", [("tenant", slug), ("limit", "10")])
            return PageContent(
                tenant["slug"],
                sub: """
                    <a href="\(view.link(""))">Tenants</a> · <code>\(tenant["id"])</code> · \
                    \(State(tenant["state"])) · since \(TimeText(tenant["created_at"]))
                    """,
                actions: actions(tenant, path, view),
                """
                \(ends(tenant, path, view))
                <div class="cols wide"><div>\(calls(traffic.rows().first))\(quotas(tenant))</div>\
                <div>\(facts(tenant, path, view))\(history(log, slug, view))</div></div>
                \(if: view.may(.patch, path), changes(tenant, path, view))
                """)
        }
    ]

    // MARK: What may be done

    private static func actions(_ tenant: Row, _ path: String, _ view: SlowView) -> HTML {
        let slug = tenant["slug"]
        let admin = adminButton(tenant["base_url"], slug, view.visit)
        guard view.may(.post, "\(path)/suspend") else { return admin }
        let isClosed = ["refunded", "cancelled", "moved"].contains(tenant["state"])
        let move: HTML? =
            switch tenant["state"] {
            case "active": Button("Suspend…", .danger, leadsTo: view.link("/tenants", slug, "suspend")).html
            case "suspended": view.button("Resume", "POST \(path)/resume", said: .resumed, .primary).html
            default: nil
            }
        return """
            \(admin)\(move)\
            <details class="more"><summary class="button">More</summary><div>\
            <a href="\(view.link("/tenants", slug, "export"))">Export…</a>\
            <a href="\(view.link("/tenants", slug, "restore"))">Restore…</a>\
            \(if: !isClosed, #"<a href="\#(view.link("/tenants", slug, "cancel"))">Cancel…</a>"#)\
            \(if: !isClosed, #"<a href="\#(view.link("/tenants", slug, "refund"))">Refund…</a>"#)\
            <a href="\(view.link("/tenants", slug, "move"))">Move…</a>\
            <a href="\(view.link("/tenants", slug, "delete"))">Delete…</a></div></details>
            """
    }

    /// What ends, and how that is taken back.
    private static func ends(_ tenant: Row, _ path: String, _ view: SlowView) -> HTML {
        var notices: [HTML] = []
        if tenant["state"] == "suspended" {
            notices.append(
                Notice(.warn, "<p>Suspended: every call is refused, and nothing is charged or sent.</p>").html)
        }
        if let end = tenant.text("ends_at"), tenant.text("ended_at") == nil {
            let back: HTML? =
                view.may(.delete, "\(path)/cancel")
                ? view.button("Take it back", "DELETE \(path)/cancel", said: .undone).html : nil
            notices.append(Notice(.warn, "<p>Cancelled: access ends on \(TimeText(end)).</p>\(back)").html)
        }
        if let end = tenant.text("ended_at") {
            notices.append(
                Notice(.bad, "<p>Access ended on \(TimeText(end)). It can be exported for 30 days from then.</p>").html)
        }
        if let end = tenant.text("deletes_at") {
            let back: HTML? =
                view.may(.delete, "\(path)/deletion")
                ? view.button("Keep it", "DELETE \(path)/deletion", said: .undone).html : nil
            notices.append(Notice(.bad, "<p>It is erased for ever on \(TimeText(end)).</p>\(back)").html)
        }
        if let place = tenant.text("moved_to") {
            notices.append(
                Notice(.info, "<p>Sealed here: callers are told that it is at <code>\(place)</code>.</p>").html)
        }
        return "\(notices)"
    }

    // MARK: What it is

    private static func facts(_ tenant: Row, _ path: String, _ view: SlowView) -> Panel {
        let domains = tenant.texts("domains")
        let hosts: HTML = "\(each: domains, { "<div><code>\($0)</code></div>" })"
        let counts = tenant.row("counts")
        let last: HTML? = tenant.text("last_request_at").map { TimeText($0).html }
        let link = view.link("/tenants", tenant["slug"], "domains")
        let change: HTML = #"<p><a href="\#(link)">Change the domains</a></p>"#
        return Panel("Facts") {
            """
            \(Facts([
                ("Address", "<code>\(tenant["base_url"])</code>"), ("Blueprint", "\(tenant["blueprint"])"),
                ("Tier", "\(tenant["tier"])"), ("Currency", "\(tenant["currency"])"), ("Owner", "\(tenant["owner_email"])"),
                ("Resellers", "\(Figure.grouped(counts?.int("resellers") ?? 0))"),
                ("Keys", "\(Figure.grouped(counts?.int("keys") ?? 0))"), ("Last call", last ?? "never"),
                ("Refundable until", refundable(tenant, view)),
                ("Domains", domains.isEmpty ? "none" : hosts),
            ]))\(if: view.may(.patch, path), change)
            """
        }
    }

    private static func quotas(_ tenant: Row) -> Panel {
        let quotas = tenant.row("quotas")
        let counts = tenant.row("counts")
        let size = Meter(tenant.int("bytes"), of: quotas?.int("bytes") ?? 0, written: ConsoleText.bytes)
        let meters: [(String, Meter)] = [
            ("Size", size),
            ("Resellers", Meter(counts?.int("resellers") ?? 0, of: quotas?.int("resellers") ?? 0)),
            ("Keys", Meter(counts?.int("keys") ?? 0, of: quotas?.int("keys") ?? 0)),
            (
                "Calls this month",
                Meter(counts?.int("requests_this_month") ?? 0, of: quotas?.int("requests_monthly") ?? 0)
            ),
        ]
        return Panel("Quotas") {
            "\(each: meters, { #"<p class="label">\#($0.0)</p>\#($0.1)"# })"
        }
    }

    private static func calls(_ traffic: Row?) -> Panel {
        let hours = traffic?.rows("hours") ?? []
        return Panel("Calls of the last day") {
            """
            \(BarChart(
                id: "calls", title: "Calls", step: "Hour (UTC)",
                labels: hours.map { String($0["at"].dropFirst(11).prefix(5)) },
                series: ["answered", "refused", "failed"].map { name in Series(name, hours.map { $0.int(name) }) },
                none: "No calls in this time.", isTitleSeen: false))
            <p class="sub">Since the node started. Refused: 4xx; failed: 5xx.</p>
            """
        }
    }

    /// What the provider's log calls it, once it is done.
    private static let words = [
        "tenant.created": "Created", "tenant.adopted": "Adopted", "tenant.imported": "Imported",
        "tenant.forked": "Copied", "tenant.placed": "Placed on a node", "tenant.changed": "Changed",
        "tenant.suspended": "Suspended", "tenant.resumed": "Resumed", "tenant.cancelled": "Cancelled",
        "tenant.uncancelled": "Kept after all", "tenant.refunded": "Refunded",
        "tenant.deletion_planned": "Deletion planned", "tenant.deletion_withdrawn": "Deletion withdrawn",
        "tenant.deleting": "Deletion begun", "tenant.deleted": "Deleted", "tenant.owner_changed": "Owner changed",
        "tenant.owner_invited": "Owner invited", "tenant.owner_key": "Owner key issued",
        "tenant.exported": "Exported", "tenant.exported_with_secrets": "Exported with its secrets",
        "tenant.export_broken_off": "Export broken off", "tenant.restored": "Restored",
        "tenant.restored_unsigned": "Restored from an unsigned file", "tenant.moved": "Moved",
        "tenant.move_confirmed": "Move confirmed", "tenant.move_undone": "Move undone",
        "tenant.quota_warning": "Close to a quota", "tenant.quota_reached": "A quota reached",
    ]

    private static func history(_ log: Row?, _ slug: String, _ view: SlowView) -> HTML {
        guard let log else { return "" }
        let lines: HTML = """
            \(each: log.rows(), { line in
                """
                <li>\(TimeText(line["at"], now: view.visit.call.now))<div><b>\(Self.words[line["action"]] ?? line["action"])</b> \
                \(line.text("key_name").map { "by \($0)" } ?? line.text("via").map { "by \($0)" } ?? "by itself")</div></li>
                """
            })
            """
        return """
            \(Panel("What was done") {
                """
                \(if: log.rows().isEmpty, "<p>Nothing yet.</p>")\(if: !log.rows().isEmpty, #"<ol class="timeline">\#(lines)</ol>"#)
                <p><a href="\(view.link("/log", query: [("tenant", slug)]))">All of it</a></p>
                """
            })
            """
    }

    // MARK: Changes

    private static func changes(_ tenant: Row, _ path: String, _ view: SlowView) -> HTML {
        let quotas = tenant.row("quotas")
        let limit = tenant.row("rate_limit")
        let quota = { (label: String, name: String) in
            view.field(
                label, "quotas.\(name)", .number, value: quotas?[name], isRequired: false, size: .short)
        }
        let terms = view.form("PATCH \(path)") {
            """
            \(view.field("Tier", "tier", .select(["lite", "standard", "pro"].map { .init($0) }), value: tenant["tier"]))
            <div class="actions">\(Button("Change the tier", .primary))</div>
            """
        }
        let own = view.form("PATCH \(path)") {
            """
            <p class="hint">Left empty, the tier says it.</p>
            <div class="fields">\(quota("Bytes", "bytes"))\(quota("Resellers", "resellers"))\(quota("Keys", "keys"))\
            \(quota("Calls a month", "requests_monthly"))</div>
            <div class="actions">\(Button("Change the quotas"))</div>
            """
        }
        let rate = view.form("PATCH \(path)") {
            """
            <div class="fields">\
            \(view.field("Calls", "rate_limit.requests", .number, value: limit?["requests"], isRequired: false, size: .short))\
            \(view.field("in seconds", "rate_limit.window_seconds", .number, value: limit?["window_seconds"], isRequired: false, size: .short))\
            \(view.field("at once", "rate_limit.burst", .number, value: LimitShown.burst(limit), isRequired: false, size: .short))</div>
            <p class="hint">Of all its callers together. Left empty, there is none. “At once” alone left empty: as many as \
            the calls.</p>
            <div class="actions">\(Button("Change the limit"))</div>
            """
        }
        let owner = view.form("PATCH \(path)", said: .invited) {
            """
            \(view.field(
                "Owner's e-mail", "owner_email", .email, value: tenant["owner_email"],
                hint: "Another address: password, sessions and links of the account end, and a link for the new one is shown."))
            <div class="actions">\(Button("Change the owner"))</div>
            """
        }
        return """
            <div class="cols"><div>\(Panel("Tier") { "\(terms)" })\(Panel("Rate limit") { "\(rate)" })</div>\
            <div>\(Panel("Quotas of its own") { "\(own)" })\(Panel("Owner") {
                """
                \(owner)<div class="actions">\
                \(view.button("Invite the owner anew", "POST \(path)/invitation", said: .invited))\
                \(view.button("Issue another owner key", "POST \(path)/owner-key", said: .created))</div>
                """
            })</div></div>
            """
    }
}
