import CallKit
import HTML
import HTTPCore
import PageKit

/// What a reseller's shop needs: keys, the signing secret, lines to try, and what its calls came to (W12, C5, L6, O13).
extension PortalPages {
    static let api: [Page] = [
        Page("/api", "API settings") { view in try settings(view) },
        Page("/api/keys/new", "New key") { view in newKey(view) },
        Page("/api/test-key", "Test key") { view in testKey(view) },
        Page("/api/keys/{id}", "Key") { view in try key(view) },
        Page(inSteps: "/requests", "Requests") { view in try await requests(view) },
    ]

    private static func settings(_ view: View) throws -> PageContent {
        let own = OwnAPI.of(view)
        let keys = try view.ask(own.keys, view.asked("cursor"), of: own.base)
        return PageContent(
            "API settings", sub: "<code>\(view.visit.call.baseURL)\(own.base)</code>",
            actions: """
                <a class="button" href="\(view.visit.tenantLink(path: own.base + "/docs"))">Reference</a>\
                \(if: view.may(.post, own.keys, of: own.base), Button("New key", .primary, leadsTo: view.link("/api/keys/new")).html)
                """,
            """
            \(Panel("Keys") { keyTable(keys, view).html })
            <div class="cols"><div>\(secret(own, view))\(calls(own, view))</div><div>\(tryIt(own, view))</div></div>
            """)
    }

    private static func keyTable(_ keys: Row?, _ view: View) -> DataTable {
        DataTable(
            caption: "Keys",
            columns: [
                Column("Key"), Column("Mode"), Column("May"), Column("Since"), Column("Until"), Column("Limit"),
            ],
            rows: (keys?.listed ?? []).map { key in
                let id = key.any("id", "_id") ?? ""
                let isRevoked = key.any("revoked_at", "revokedAt") != nil
                let limit = key.row("limit").map { "\($0["requests"]) in \($0["window_seconds"]) s" }
                return [
                    """
                    <a href="\(view.link("/api/keys", id))"><code>\(key["prefix"])…</code></a> \(key.optional("name") ?? "")
                    """,
                    "\(State(isRevoked ? "revoked" : key["mode"]))", "\(key.texts("scopes").joined(separator: ", "))",
                    view.moment(key.any("created_at", "createdAt")), view.moment(key.any("expires_at", "expiresAt")),
                    "\(limit ?? "–")",
                ]
            },
            empty: Empty("No keys yet", "A key lets your shop call the API in your name.").html,
            previous: view.first(), next: keys.flatMap(view.nextOf))
    }

    private static func newKey(_ view: View) -> PageContent {
        let own = OwnAPI.of(view)
        let form = view.form("POST \(own.keysCall)", said: .created, next: view.link("/api")) {
            """
            \(view.field("Name", "name", hint: "For you, say the shop that it is for.", isRequired: false))\
            \(view.field("Mode", "mode", .radios([
                .init("live", "live", about: "Moves real orders and money."),
                .init("test", "test", about: "Moves the test book alone: try everything with it first."),
            ]), value: view.visit.attempt?.value(of: "mode") ?? "live"))\
            \(if: !own.scopes.isEmpty, scopes(own, view))\
            <div class="actions">\(Button("Make the key", .primary))\(Button("Cancel", .quiet, leadsTo: view.link("/api")))</div>
            """
        }
        return PageContent("New key", "\(Panel("What it is for") { form.html })")
    }

    private static func scopes(_ own: OwnAPI, _ view: View) -> HTML {
        Choices("May", name: "scopes", own.scopes, chosen: Set(own.scopes)).html
    }

    private static func testKey(_ view: View) -> PageContent {
        let own = OwnAPI.of(view)
        let form = view.form("POST \(own.keysCall)", said: .created, next: view.link("/api")) {
            """
            \(FormField.hidden("mode", "test"))\(FormField.hidden("name", "test"))\
            <p>It moves the test book alone: no order of it is delivered and none costs anything.</p>\
            <div class="actions">\(Button("Mint a test key", .primary))</div>
            """
        }
        return PageContent("Test key", "\(Panel("A key to try with") { form.html })")
    }

    private static func key(_ view: View) throws -> PageContent {
        let own = OwnAPI.of(view)
        let id = view.visit.parameter()
        let all = try view.get(own.keys, [("limit", "100")], of: own.base).listed
        guard let key = all.first(where: { $0.any("id", "_id") == id }) else { throw Refusal.notFound(.path) }
        let isRevoked = key.any("revoked_at", "revokedAt") != nil
        let rotate = view.form("POST \(own.keysCall)/\(id)/rotate", said: .rotated, next: view.link("/api")) {
            """
            \(view.field("The old secret goes on for", "overlap_seconds", .number, value: "0", unit: "seconds",
                hint: "0: it is dead at once. While your shop is changed over both open the key.", size: .short))\
            <div class="actions">\(Button("Give it a new secret"))</div>
            """
        }
        let revoke = view.form("DELETE \(own.keysCall)/\(id)", said: .revoked, next: view.link("/api")) {
            """
            <p>Whoever calls with it is refused from the next call on. It does not come back.</p>\
            <div class="actions">\(Button("Revoke the key", .danger))</div>
            """
        }
        return PageContent(
            key.optional("name") ?? key["prefix"],
            sub: "<code>\(key["prefix"])…</code> · \(State(isRevoked ? "revoked" : key["mode"]))",
            isRevoked
                ? "<p>It opens nothing any more.</p>"
                : "<div class=\"cols\">\(Panel("New secret") { rotate.html })\(Panel("Revoke") { revoke.html })</div>")
    }

    // MARK: Beside the keys

    /// Orders are signed (W5); where the dialect has no signature there is no secret.
    private static func secret(_ own: OwnAPI, _ view: View) -> HTML? {
        guard own.dialect == orderDialect, view.may(.post, "/webhook/secret/rotate") else { return nil }
        let form = view.form("POST /webhook/secret/rotate", said: .rotated) {
            """
            <p>Orders are signed with it. It was shown when you applied, and is shown once more when you get a new one; \
            the old one works on for a day.</p><div class="actions">\(Button("Get a new secret"))</div>
            """
        }
        return Panel("Signing secret") { form.html }.html
    }

    private static func calls(_ own: OwnAPI, _ view: View) -> HTML? {
        guard own.dialect == orderDialect, view.may(.get, "/requests") else { return nil }
        let hooks = Button("Webhooks", leadsTo: view.link("/webhooks"))
        return Panel("What happened") {
            """
            <div class="actions">\(Button("Requests", leadsTo: view.link("/requests")))\(hooks)\
            \(Button("Deliveries", leadsTo: view.link("/deliveries")))</div>
            """
        }.html
    }

    private static func tryIt(_ own: OwnAPI, _ view: View) -> Panel {
        let url = view.visit.call.baseURL + own.base + own.firstCall
        let credential = own.dialect == codeDialect ? "X-Api-Key: $TOLLGATE_KEY" : "Authorization: Bearer $TOLLGATE_KEY"
        let name = credential.prefix { $0 != ":" }
        let scheme = credential.contains("Bearer") ? "Bearer " : ""
        let python = """
            import os, urllib.request
            key = "\(scheme)" + os.environ["TOLLGATE_KEY"]
            request = urllib.request.Request("\(url)", headers={"\(name)": key})
            print(urllib.request.urlopen(request).read().decode())
            """
        let node = """
            const key = "\(scheme)" + process.env.TOLLGATE_KEY;
            const answer = await fetch("\(url)", {headers: {"\(name)": key}});
            console.log(await answer.json());
            """
        return Panel("Try it") {
            """
            <p class="sub">Shell</p>\(CopyBox("curl -s \(url) -H \"\(credential)\"", id: "try-curl", label: "the command", isBlock: true))\
            <p class="sub">Python</p>\(CopyBox(python, id: "try-python", label: "the Python lines", isBlock: true))\
            <p class="sub">Node</p>\(CopyBox(node, id: "try-node", label: "the JavaScript lines", isBlock: true))
            """
        }
    }

    // MARK: Requests

    private static func requests(_ view: SlowView) async throws -> PageContent {
        let list = try await view.get("/requests", view.asked("cursor", "status", "request_id", "from", "to"))
        let filters = Form.get(view.link("/requests")) {
            """
            \(view.field("Status", "status", .number, value: view.visit.asked("status"), isRequired: false, size: .short))\
            \(view.field("Request id", "request_id", value: view.visit.asked("request_id"), isRequired: false))\
            <div class="actions">\(Button("Filter"))\(Button("Clear", .quiet, leadsTo: view.link("/requests")))</div>
            """
        }
        let table = DataTable(
            caption: "Requests, newest first",
            columns: [
                Column("When"), Column("Call"), Column("Status"), Column("Took", .number), Column("Request id", .id),
            ],
            rows: list.rows().map { call in
                let status = call.int("status")
                return [
                    view.when(call["at"]), "<code>\(call["route"])</code>",
                    "\(State(call["status"], tone: status < 400 ? .good : status == 429 ? .warn : .bad))",
                    "\(Figure.grouped(call.int("latency_us") / 1000)) ms", "<code>\(call["request_id"])</code>",
                ]
            },
            empty: Empty("No calls", "What your shop asks shows here within seconds.").html,
            previous: view.first(), next: view.next(list))
        return PageContent("Requests", "\(filters)\(table)")
    }
}
