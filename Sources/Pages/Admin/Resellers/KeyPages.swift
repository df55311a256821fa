import CallKit
import HTML
import HTTPCore
import PageKit

/// Keys: whose they are, how much they are used, new ones, and their end (O1).
extension AdminPages {
    private static let keyFilters = ["q", "reseller", "key_mode", "key"]

    static let keys: [Page] = [
        Page(inSteps: "/keys", "Keys") { view in
            let query = (keyFilters + ["state", "cursor"]).map { ($0, view.visit.asked($0)) }
            let found = try await view.found("/api-keys/activity", query, looks: SlowView.looksMax)
            let resellers = try await ResellerChoice(view).filter(view)
            let state = view.visit.asked("state")
            let tabs = Tabs(
                "State",
                [("All", nil), ("Active", "active"), ("Ended", "ended")].map { title, word in
                    .init(
                        title, view.visit.here([("state", word), ("cursor", nil)]), isCurrent: state == word)
                })
            let issue: HTML? =
                view.may(.post, "/api-keys")
                ? Button("Issue key", .primary, leadsTo: view.link("/keys/new")).html : nil
            return PageContent(
                "Keys", actions: issue,
                """
                \(tabs)\(view.filters("/keys", keeping: ["state"], [
                    view.filter("Begins with", "q", hint: "Its id, what is shown of it, its name, or whose it is"),
                    resellers,
                    view.filter("Mode", "key_mode", .select([
                        .init("", "Live and test"), .init("live", "Live"), .init("test", "Test"),
                    ])),
                    view.filter("Key", "key", hint: "Its whole id"),
                ]))\(found.shown(keyTable(found.list, view).html))
                """)
        },
        Page("/keys/new", "Issue a key", asks: "POST /api-keys") { view in
            PageContent("Issue a key", try Panel("Whose it is, and what it may") { try newKey(view).html }.html)
        },
        Page(inSteps: "/keys/{id}/rotate", "Rotate a key") { view in
            let key = try await KeyView(view)
            guard key.mayRotate else { throw Refusal.notFound(.path) }
            return PageContent("Rotate \(key.name)", sub: key.sub, rotation(key, view))
        },
        Page(inSteps: "/keys/{id}/revoke", "Revoke a key") { view in
            let key = try await KeyView(view)
            guard key.mayRevoke else { throw Refusal.notFound(.path) }
            return PageContent("Revoke \(key.name)", sub: key.sub, revocation(key, view))
        },
    ]

    // MARK: The list

    private static func keyTable(_ list: Row, _ view: SlowView) -> DataTable {
        let issue: HTML? =
            view.may(.post, "/api-keys") ? Button("Issue key", leadsTo: view.link("/keys/new")).html : nil
        return DataTable(
            caption: "Keys",
            columns: [
                Column("Key"), Column("Owner"), Column("State"), Column("May"), Column("Last used"),
                Column("24 hours"), Column("Limit"), Column("Expires"),
            ],
            rows: list.rows().map { keyLine($0, view) },
            empty: view.isFiltered(keyFilters)
                ? view.nothing("No keys here", "", filters: keyFilters)
                : Empty(
                    "No keys here", "A key opens the APIs to a program: to yours, or to a reseller's.", actions: issue
                ).html,
            previous: view.first(), next: view.next(list))
    }

    private static func keyLine(_ row: Row, _ view: SlowView) -> [HTML] {
        let key = KeyShown(row)
        let owner: HTML =
            key.reseller.map { #"<a href="\#(view.link("/resellers", $0))">\#(row["owner_email"])</a>"# }
            ?? "\(row["owner_email"])"
        let limit: HTML = row.row("limit").map { "\(LimitShown(row: $0).words)" } ?? #"<span class="sub">none</span>"#
        let end: HTML = row.text("expires_at").map { TimeText($0).html } ?? #"<span class="sub">never</span>"#
        return [
            """
            <a href="\(view.link("/keys", row["id"]))"><code>\(row["prefix"])…</code></a>\
            \(row.text("name").map { name -> HTML in " <span>\(name)</span>" })
            """,
            "\(owner)", "\(key.state)\(if: row["mode"] == "test", " \(State("test"))")",
            #"<span class="sub">\#(key.reach)</span>"#, key.lastUsed(view), key.spark, limit, end,
        ]
    }

    // MARK: Forms

    private static func newKey(_ view: View) throws -> Form {
        let account = view.visit.asked("owner_email")
        // Live keys are for resellers who are approved.
        let isPending =
            try account.map { try view.found("/resellers", [("email", $0)]).rows.first?["status"] == "pending" }
            ?? false
        let live = isPending ? [] : [FormField.Option("live", "Live")]
        // Whoever comes for a test key presses on, and is not to have a live one by that.
        let preset = view.visit.asked("preset") == "test" ? "test" : nil
        return view.form("POST /api-keys", said: .created, next: view.link("/keys")) {
            """
            \(view.field(
                "Account", "owner_email", .email, value: account,
                hint: "The account that its calls count for: a reseller's, or one of your people's."))\
            \(view.field("Name", "name", hint: "Where it is used, for your list.", isRequired: false))\
            \(view.field(
                "Mode", "mode", .select(live + [.init("test", "Test: the test book alone")]), value: preset,
                hint: isPending ? "It waits for approval: live keys are for those who are approved." : nil))\
            \(view.field("Role", "role", .select([
                .init("", "The account's own"), .init("operator", "Operator"), .init("support", "Support: reads only"),
                .init("reseller", "Reseller"),
            ]), isRequired: false))\
            \(view.field("Expires", "expires_at", .moment, hint: "UTC. Empty: never.", isRequired: false))\
            \(scopes(view))\
            <fieldset><legend>Limit of its own</legend><p class="hint">Beside the reseller's. Empty: none.</p>\
            \(newLimit(view))</fieldset>\
            <div class="actions">\(Button("Issue key", .primary))\
            \(Button("Cancel", .quiet, leadsTo: view.link("/keys")))</div>
            """
        }
    }

    /// What the APIs of the tenant's dialects ask of keys (O1); nothing to choose where that is one word.
    private static func scopes(_ view: View) -> HTML? {
        let names = view.visit.scopes()
        guard names.count > 1 else { return nil }
        return """
            \(view.choices("A reseller's key may", "scopes", names, chosen: Set(names)))\
            <p class="hint">A person's key may do what its role may, whatever is ticked.</p>
            """
    }

    private static func newLimit(_ view: View) -> HTML {
        func field(_ label: String, _ name: String, _ unit: String?) -> FormField {
            view.field(label, "limit.\(name)", .number, unit: unit, isRequired: false, size: .short)
        }
        return """
            <div class="fields">\(field("Requests", "requests", nil))\(field("In", "window_seconds", "seconds"))\
            \(field("Burst", "burst", nil))</div>
            """
    }

    private static func rotation(_ key: KeyView, _ view: SlowView) -> HTML {
        Panel("A new secret") {
            let form = view.form(
                "POST /api-keys/\(key.id)/rotate", said: .rotated, next: view.link("/keys", key.id)
            ) {
                """
                \(view.field("The present secret works on", "overlap_seconds", .select([
                    .init("0", "not at all: it ends now"), .init("60", "for a minute"), .init("3600", "for an hour"),
                    .init("86400", "for a day"), .init("604800", "for a week"),
                ]), value: "3600"))\
                <div class="actions">\(Button("Rotate", .primary))\
                \(Button("Cancel", .quiet, leadsTo: view.link("/keys", key.id)))</div>
                """
            }
            return """
                <p>The key gets a new secret, which is shown once. Its id, limit and history stay. Two secrets are the most
                that open a key: an older one that still works ends now.</p>\(form)
                """
        }.html
    }

    private static func revocation(_ key: KeyView, _ view: SlowView) -> HTML {
        let calls = Figure.grouped(key.row.int("requests"))
        return Panel("What happens") {
            let form = view.form(
                "DELETE /api-keys/\(key.id)", said: .revoked, next: view.link("/keys", key.id)
            ) {
                """
                <div class="actions">\(Button("Revoke this key", .danger))\
                \(Button("Cancel", .quiet, leadsTo: view.link("/keys", key.id)))</div>
                """
            }
            return """
                <p>From then on no call with <code>\(key.row["prefix"])…</code> is let in. It cannot be undone: a new key has
                another secret.</p><p><b>\(calls)</b> calls came with it in the last 24 hours.</p>\(form)
                """
        }.html
    }
}
