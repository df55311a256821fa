import CallKit
import HTML
import HTTPCore
import PageKit

/// What a reseller's shop needs: keys, the signing secret, lines to try, and what its calls came to (W12, C5, L6, O13).
extension PortalPages {
    static let api: [Page] = [
        Page("/api", "API settings") { view in try settings(view) },
        Page("/api/keys/new", "New key") { view in try newKey(view) },
        Page("/api/test-key", "Test key") { view in try testKey(view) },
        Page("/api/keys/{id}", "Key") { view in try key(view) },
        Page("/api/keys/{id}/revoke", "Revoke a key") { view in try revoking(view) },
        Page(inSteps: "/requests", "Requests") { view in try await requests(view) },
    ]

    private static func settings(_ view: View) throws -> PageContent {
        let own = OwnAPI.of(view)
        let isOver = view.visit.asked("keys") == KeysShown.ended.rawValue
        let shown = KeysShown.query(isOver ? .ended : .active)
        // The partner API tells each key's own limit (O2), which not every dialect's list has.
        let keys = try view.ask("/keys", shown + view.asked("cursor"))
        let others = Button(
            isOver ? "Keys in force" : "Ended keys", .quiet,
            leadsTo: view.visit.here([("keys", isOver ? nil : KeysShown.ended.rawValue), ("cursor", nil)]))
        let table = keyTable(keys, isOver: isOver, view)
        return PageContent(
            "API settings", sub: "<code>\(view.visit.call.baseURL)\(own.base)</code>",
            actions: """
                <a class="button" href="\(view.visit.tenantLink(path: own.base + "/docs"))">Reference</a>\
                \(if: own.offersKeys(view), Button("New key", .primary, leadsTo: view.link("/api/keys/new")).html)
                """,
            """
            \(view.standing(try view.get("/account")))\
            \(Panel(isOver ? "Ended keys" : "Keys", actions: others.html) { "\(table)\(minted(own, view))" })
            <div class="cols"><div>\(limitPanel(try view.ask("/limit"), view))\(secret(own, view))\(calls(own, view))</div>\
            <div>\(tryIt(own, view))\(try tryOrder(own, view))</div></div>
            """)
    }

    /// By whom, where that is not whoever looks.
    private static func minted(_ own: OwnAPI, _ view: View) -> HTML? {
        guard own.isMintedByOwner(view) else { return nil }
        return """
            <p class="sub">New keys are minted by the programme's owner: ask whoever stands in your \
            <a href="\(view.link("/program"))">program overview</a>. You rotate and revoke them here.</p>
            """
    }

    /// Which keys a list shows. A reseller has few in force, which are one page; the others only grow in number.
    private enum KeysShown: String, CaseIterable {
        case active
        case ended

        static func query(_ shown: KeysShown) -> [(String, String?)] { [("state", shown.rawValue), ("limit", "100")] }
    }

    private static func keyTable(_ keys: Row?, isOver: Bool, _ view: View) -> DataTable {
        let listed = keys?.listed ?? []
        return DataTable(
            caption: isOver ? "Ended keys, oldest first" : "Keys, newest first",
            columns: [
                Column("Key"), Column("Mode"), Column("May"), Column("Since"), Column("Until"), Column("Limit"),
            ],
            rows: (isOver ? listed : Array(listed.reversed())).map { key in
                let id = key.any("id", "_id") ?? ""
                let limit = key.row("limit").map { LimitShown(row: $0).words }
                return [
                    """
                    <a href="\(view.link("/api/keys", id))"><code>\(key["prefix"])…</code></a> \(key.optional("name") ?? "")
                    """,
                    "\(State(state(of: key, isOver: isOver)))", "\(key.texts("scopes").joined(separator: ", "))",
                    view.moment(key.any("created_at", "createdAt")), view.moment(key.any("expires_at", "expiresAt")),
                    "\(limit ?? "–")",
                ]
            },
            empty: isOver
                ? Empty("No key has ended").html
                : Empty("No keys yet", "A key lets your shop call the API in your name.").html,
            previous: view.first(), next: keys.flatMap(view.nextOf))
    }

    /// Its mode while it opens something.
    private static func state(of key: Row, isOver: Bool) -> String {
        guard isOver else { return key["mode"] }
        return key.any("revoked_at", "revokedAt") == nil ? "ended" : "revoked"
    }

    private static func newKey(_ view: View) throws -> PageContent {
        let own = OwnAPI.of(view)
        try view.expects(.post, own.keys, of: own.base)
        if own.isMintedByOwner(view) { throw Refusal.notFound(.path) }
        // Live keys are for whoever is approved (W1).
        let isPending = try view.get("/account")["status"] == "pending"
        let test = FormField.Option(
            "test", "test", about: "Moves the test book alone: try everything with it first.")
        let live = FormField.Option("live", "live", about: "Moves real orders and money.")
        let form = view.form("POST \(own.keysCall)", said: .created, next: view.link("/api")) {
            """
            \(view.field("Name", "name", hint: "For you, say the shop that it is for.", isRequired: false))\
            \(view.field(
                "Mode", "mode", .radios(isPending ? [test] : [live, test]), value: isPending ? "test" : "live",
                hint: isPending ? "Live keys can be made once you are approved." : nil))\
            \(scopes(own, view))\
            <div class="actions">\(Button("Make the key", .primary))\(Button("Cancel", .quiet, leadsTo: view.link("/api")))</div>
            """
        }
        return PageContent("New key", "\(Panel("What it is for") { form.html })")
    }

    /// Nothing to choose where all keys may do the same.
    private static func scopes(_ own: OwnAPI, _ view: View) -> HTML? {
        let names = view.visit.scopes(of: own.dialect)
        return names.count > 1 ? view.choices("May", "scopes", names, chosen: Set(names)) : nil
    }

    private static func testKey(_ view: View) throws -> PageContent {
        let own = OwnAPI.of(view)
        try view.expects(.post, own.keys, of: own.base)
        if own.isMintedByOwner(view) { throw Refusal.notFound(.path) }
        let form = view.form("POST \(own.keysCall)", said: .created, next: view.link("/api")) {
            """
            \(FormField.hidden("mode", "test"))\(FormField.hidden("name", "test"))\
            <p>It moves the test book alone: no order of it is delivered and none costs anything.</p>\
            <div class="actions">\(Button("Mint a test key", .primary))\
            \(Button("Cancel", .quiet, leadsTo: view.link("/api")))</div>
            """
        }
        return PageContent(
            "Test key", sub: view.row("API settings", view.link("/api")), "\(Panel("A key to try with") { form.html })")
    }

    /// The reseller's key of this id, and whether it has ended; nil where there is none.
    static func key(of id: String, _ own: OwnAPI, _ view: View) throws -> (key: Row, isOver: Bool)? {
        var found: (key: Row, isOver: Bool)?
        for shown in KeysShown.allCases where found == nil {
            _ = try view.pages(own.keys, KeysShown.query(shown), of: own.base) { keys in
                found = keys.first { $0.any("id", "_id") == id }.map { ($0, shown == .ended) }
                return found != nil
            }
        }
        return found
    }

    private static func key(_ view: View) throws -> PageContent {
        let own = OwnAPI.of(view)
        let id = view.visit.parameter()
        guard let (key, isOver) = try Self.key(of: id, own, view) else { throw Refusal.notFound(.path) }
        let rotate = view.form("POST \(own.keysCall)/\(id)/rotate", said: .rotated, next: view.link("/api")) {
            """
            \(view.field("The old secret goes on for", "overlap_seconds", .number, value: "0", unit: "seconds",
                hint: "0: it is dead at once. While your shop is changed over both open the key.", size: .short))\
            <div class="actions">\(Button("Give it a new secret"))</div>
            """
        }
        let new: HTML? =
            view.may(.post, "\(own.keys)/\(id)/rotate", of: own.base) ? Panel("New secret") { rotate.html }.html : nil
        let revoke: HTML? =
            !isOver && view.may(.delete, "\(own.keys)/\(id)", of: own.base)
            ? Button("Revoke…", leadsTo: view.link("/api/keys", id, "revoke")).html : nil
        return PageContent(
            key.nameOfKey,
            sub: "\(view.row("API settings", view.link("/api"))) · \(State(state(of: key, isOver: isOver)))",
            actions: revoke,
            isOver
                ? "<p>It opens nothing any more.</p>"
                : "\(view.standing(try view.get("/account")))<div class=\"cols\">\(new)</div>")
    }

    /// What will happen, before it does.
    private static func revoking(_ view: View) throws -> PageContent {
        let own = OwnAPI.of(view)
        let id = view.visit.parameter()
        let back = view.link("/api/keys", id)
        guard let (key, isOver) = try Self.key(of: id, own, view) else { throw Refusal.notFound(.path) }
        try view.expects(.delete, "\(own.keys)/\(id)", of: own.base)
        if isOver { return .elsewhere(back) }
        let form = view.form("DELETE \(own.keysCall)/\(id)", said: .revoked, next: view.link("/api")) {
            """
            <p>Whoever calls with it is refused from the next call on. It does not come back.</p>\
            <div class="actions">\(Button("Revoke the key", .danger))\(Button("Cancel", .quiet, leadsTo: back))</div>
            """
        }
        return PageContent(
            "Revoke \(key.nameOfKey)", sub: view.row("API settings", view.link("/api")),
            "\(Panel("What happens") { form.html })")
    }

    // MARK: Beside the keys

    /// Orders are signed (W5); where the dialect has no signature there is no secret.
    private static func secret(_ own: OwnAPI, _ view: View) -> HTML? {
        guard own.dialect == orderDialect, view.may(.post, "/webhook/secret/rotate") else { return nil }
        let form = view.form("POST /webhook/secret/rotate", said: .rotated) {
            """
            <p>Orders are signed with it. It cannot be shown again: you can get a new one, which is shown once; \
            the old one works on for a day.</p><div class="actions">\(Button("Get a new secret"))</div>
            """
        }
        return Panel("Signing secret") { form.html }.html
    }

    /// What the shop asked, where that is told, and what it was told of.
    private static func calls(_ own: OwnAPI, _ view: View) -> HTML? {
        let hasRequests = own.dialect == orderDialect && view.may(.get, "/requests")
        let hasEvents = own.events.map { view.may(.get, "\($0)/webhooks", of: own.base) } ?? false
        guard hasRequests || hasEvents else { return nil }
        let requests = Button("Requests", leadsTo: view.link("/requests"))
        let events: HTML = """
            \(Button("Webhooks", leadsTo: view.link("/webhooks")))\
            \(Button("Deliveries", leadsTo: view.link("/deliveries")))
            """
        return Panel("What happened") {
            """
            <div class="actions">\(if: hasRequests, requests.html)\(if: hasEvents, events)</div>
            """
        }.html
    }

    // MARK: Requests

    private static func requests(_ view: SlowView) async throws -> PageContent {
        let asked = view.asked("cursor", "status", "request_id", "from", "to")
        let found = try await view.found(
            "/requests", [("callers", "keys")] + asked, looks: SlowView.looksMax)
        let filters = Form.get(view.link("/requests"), keeping: view.kept()) {
            """
            \(view.field("Status", "status", .number, value: view.visit.asked("status"), isRequired: false, size: .short))\
            \(view.field("Request id", "request_id", value: view.visit.asked("request_id"), isRequired: false))\
            <div class="actions">\(Button("Filter"))\(view.clear(["status", "request_id"]))</div>
            """
        }
        let table = DataTable(
            caption: "Requests, newest first",
            columns: [
                Column("When"), Column("Call"), Column("Status"), Column("Took", .number), Column("Request id", .id),
            ],
            rows: found.rows.map { call in
                let status = call.int("status")
                return [
                    view.when(call["at"]), "<code>\(call["route"])</code>",
                    "\(State(call["status"], tone: status < 400 ? .good : status == 429 ? .warn : .bad))",
                    "\(Figure.grouped(call.int("latency_us") / 1000)) ms", "<code>\(call["request_id"])</code>",
                ]
            },
            empty: Empty("No calls", "What your shop asks shows here within seconds.").html,
            previous: view.first(), next: view.next(found.list))
        let account = try await view.get("/account")
        return PageContent("Requests", "\(view.standing(account))\(filters)\(found.shown(table.html))")
    }
}
