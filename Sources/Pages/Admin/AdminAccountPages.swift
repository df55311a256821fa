import CallKit
import HTML
import HTTPCore
import PageKit

/// What is one's own: password, sessions, keys (O13).
extension AdminPages {
    static let account: [Page] = [
        Page("/account", "Account") { view in
            let person = try view.get("/account")
            let sessions = try view.get("/account/sessions", view.asked("cursor"))
            let isOver = view.visit.asked("keys") == "ended"
            let keys = try view.get(
                "/account/keys",
                [
                    ("limit", "100"), ("state", isOver ? "ended" : "active"),
                    ("cursor", view.visit.asked("keys_cursor")),
                ])
            return PageContent(
                "Account", sub: "\(person["name"]) · \(person["email"]) · \(person["role"])",
                actions: "\(Button("Everybody signed in", .quiet, leadsTo: view.link("/sessions")))",
                """
                <div class="cols">\(password(person, view))\
                \(SessionList(sessions, "/account/sessions", isOwn: true, view))</div>
                \(ownKeys(keys, isOver: isOver, view))
                """)
        },
        Page("/sessions", "Signed in") { view in
            let found = try view.found("/sessions", view.asked("reseller", "email", "cursor"))
            let names = try ResellerNames(of: found.rows, view)
            let mayEnd = view.may(.delete, "/sessions/ses_1")
            let table = DataTable(
                caption: "Who is signed in, newest first",
                columns: [
                    Column("Who"), Column("Role"), Column("Reseller"), Column("Since"), Column("Until"),
                    Column("Actions", .buttons),
                ],
                rows: found.rows.map { session in
                    let isCurrent = session.bool("current")
                    let end = view.button("End", "DELETE /sessions/\(session["id"])", said: .ended)
                    return [
                        "\(session["email"])\(if: isCurrent, " \(State("this one", tone: .info))")",
                        "\(session["role"])", names.link(session["reseller"], view),
                        "\(TimeText(session["created_at"], now: view.visit.call.now))",
                        "\(TimeText(session["expires_at"], now: view.visit.call.now))",
                        isCurrent || !mayEnd ? "" : "\(end)",
                    ]
                },
                empty: view.nothing(
                    "Nobody is signed in", "A session lasts for 12 hours at most.", filters: ["reseller", "email"]),
                previous: view.first(), next: view.next(found.list))
            let back = view.link("/account")
            return PageContent(
                "Signed in", sub: #"<a href="\#(back)">Account</a> · whose sessions you may see"#,
                found.shown(table.html))
        },
        Page("/account/keys/new", "A key of your own", asks: "POST /account/keys") { view in
            let role = try view.get("/account")["role"]
            let form = view.form("POST /account/keys", said: .created, next: view.link("/account")) {
                """
                \(view.field(
                    "Name", "name", hint: "Where it is used, say laptop.", isRequired: false, autocomplete: "off"))
                \(view.field(
                    "It may", "role",
                    .radios([
                        .init("", role == "support" ? "Read" : "Do what an operator does"),
                        .init("support", "Read alone", about: "No exports, no secrets."),
                    ]), isRequired: false))
                \(view.field(
                    "Mode", "mode", .select([.init("live", "Live"), .init("test", "Test book")]), value: "live"))
                \(view.field(
                    "Ends", "expires_at", .moment, hint: "UTC. Empty: never.", isRequired: false, size: .short))
                <div class="actions">\(Button("Make a key", .primary))\
                \(Button("Cancel", .quiet, leadsTo: view.link("/account")))</div>
                """
            }
            return PageContent(
                "A key of your own",
                """
                <p>For programs and the command line, in your name. It is shown once.</p>\(Panel("Key") { "\(form)" })
                """)
        },
        Page("/account/keys/{id}/revoke", "Revoke a key of your own", asks: "DELETE /api-keys/{id}") { view in
            let id = view.visit.parameter()
            let key = try view.get("/api-keys/\(id)")
            let form = view.form("DELETE /api-keys/\(id)", said: .revoked, next: view.link("/account")) {
                """
                <div class="actions">\(Button("Revoke", .danger))\
                \(Button("Cancel", .quiet, leadsTo: view.link("/account")))</div>
                """
            }
            return PageContent(
                "Revoke \(key.nameOfKey)", sub: #"<a href="\#(view.link("/account"))">Account</a>"#,
                Panel("What happens") {
                    "<p>No call passes by it after the answer. It cannot be taken back: make another then.</p>\(form)"
                }.html)
        },
    ]

    private static func password(_ person: Row, _ view: View) -> Panel {
        let form = view.form("POST /account/password", said: .saved) {
            """
            \(FormField.username(person["email"]))\
            \(view.field("Password now", "old", .password, autocomplete: "current-password"))
            \(view.field(
                "New password", "new", .password, hint: "8 characters or more.", autocomplete: "new-password"))
            <div class="actions">\(Button("Set the password", .primary))</div>
            """
        }
        return Panel("Password") {
            "<p>All of your sessions end, this one too: sign in by the new one then. Your keys go on.</p>\(form)"
        }
    }

    /// In pages of their own, beside the sessions'.
    private static func ownKeys(_ keys: Row, isOver: Bool, _ view: View) -> Panel {
        let new: HTML =
            view.may(.post, "/account/keys")
            ? Button("Make a key", .quiet, leadsTo: view.link("/account/keys/new")).html : ""
        let others = Button(
            isOver ? "Keys in force" : "Ended keys", .quiet,
            leadsTo: view.visit.here([("keys", isOver ? nil : "ended"), ("keys_cursor", nil)]))
        let isFirst = view.visit.asked("keys_cursor") == nil
        let table = DataTable(
            caption: "Keys of yours",
            columns: [
                Column("Key"), Column("Begins"), Column("May"), Column("State"), Column("Made"),
                Column("Actions", .buttons),
            ],
            rows: keys.rows().map { key in
                let id = key["id"]
                let state = key.keyState
                let revoke: HTML =
                    state == "active" && view.may(.delete, "/api-keys/\(id)")
                    ? "\(Button("Revoke…", .quiet, leadsTo: view.link("/account/keys", id, "revoke")))" : ""
                return [
                    #"<a href="\#(view.link("/keys", id))">\#(key.text("name") ?? key["prefix"])</a>"#,
                    "<code>\(key["prefix"])</code>",
                    "\(key["role"])\(if: key["mode"] == "test", " \(State("test"))")", "\(State(state))",
                    "\(TimeText(key["created_at"], now: view.visit.call.now))", revoke,
                ]
            },
            empty: isOver
                ? Empty("No key of yours has ended").html
                : Empty("No keys yet", "Programs and the command line call by one.").html,
            previous: isFirst ? nil : .pages(first: view.visit.here([("keys_cursor", nil)]), previous: nil),
            next: keys.optional("next_cursor").map { view.visit.here([("keys_cursor", $0)]) })
        return Panel("Your keys", actions: "\(others)\(new)") { table.html }
    }
}
