import CallKit
import HTML
import HTTPCore
import PageKit

/// The tenant's own people, by its owner (O13).
extension AdminPages {
    static let people: [Page] = [
        Page("/people", "People") { view in
            let found = try view.found("/people", view.asked("role", "state", "cursor"))
            let table = DataTable(
                caption: "People",
                columns: [
                    Column("Name"), Column("E-mail"), Column("Role"), Column("State"), Column("Since"),
                ],
                rows: found.rows.map { person in
                    [
                        #"<a href="\#(view.link("/people", person["id"]))">\#(person["name"])</a>"#,
                        "\(person["email"])", "\(person["role"])", personState(person),
                        "\(TimeText(person["created_at"], now: view.visit.call.now))",
                    ]
                },
                empty: Empty(
                    "Nobody matches", actions: "\(Button("Show all", leadsTo: view.link("/people")))"
                ).html, previous: view.first(), next: view.next(found.list))
            return PageContent(
                "People", actions: "\(Button("Add a person", .primary, leadsTo: view.link("/people/new")))",
                """
                <p>Who works here, each with a password of its own. An owner does everything, an operator all but this \
                page, and support reads.</p>\(roleTabs(view))\(found.shown(table.html))
                """)
        },
        Page("/people/new", "Add a person", asks: "POST /people") { view in
            let form = view.form("POST /people", said: .invited, next: view.link("/people/{id}")) {
                """
                \(view.field("E-mail", "email", .email, autocomplete: "off"))
                \(view.field("Name", "name", autocomplete: "off"))
                \(view.field("Role", "role", .radios(roles), value: "operator"))
                <div class="actions">\(Button("Add", .primary))\
                \(Button("Cancel", .quiet, leadsTo: view.link("/people")))</div>
                """
            }
            return PageContent(
                "Add a person",
                """
                <p>You get a link by which the person sets a password. It opens once, within 14 days.</p>
                \(Panel("Person") { "\(form)" })
                """)
        },
        Page("/people/{id}", "A person") { view in
            let id = view.visit.parameter()
            let person = try view.get("/people/\(id)")
            if view.visit.asked("confirm") == "all", view.may(.delete, "/people/\(id)/sessions") {
                return signingOut(person, view)
            }
            let sessions = try view.get("/people/\(id)/sessions", view.asked("cursor"))
            return PageContent(
                person["name"],
                sub: """
                    <a href="\(view.link("/people"))">People</a> · <code>\(id)</code> · \(person["email"]) · \
                    \(personState(person))
                    """,
                """
                <div class="cols">\(personForm(person, view))\(passwordPanel(person, view))</div>
                \(SessionList(sessions, "/people/\(id)/sessions", isOwn: false, view))
                """)
        },
        Page("/people/{id}/disable", "Disable a person", asks: "PATCH /people/{id}") { view in
            let id = view.visit.parameter()
            let person = try view.get("/people/\(id)")
            let back = view.link("/people", id)
            let form = view.form("PATCH /people/\(id)", next: back) {
                """
                \(FormField.hidden("state", "disabled"))<div class="actions">\
                \(Button("Disable \(person["name"])", .danger))\(Button("Cancel", .quiet, leadsTo: back))</div>
                """
            }
            return PageContent(
                "Disable: \(person["name"])", sub: #"<a href="\#(back)">\#(person["name"])</a>"#,
                Panel("What happens") {
                    """
                    <ul><li>From the answer on its sessions and links are over, and its keys are 401.</li>
                    <li>It does not sign in any more.</li>
                    <li>You can make it active again: its keys open again then, its sessions do not.</li></ul>\(form)
                    """
                }.html)
        },
    ]

    private static func signingOut(_ person: Row, _ view: View) -> PageContent {
        let back = view.visit.here([("confirm", nil), ("cursor", nil)])
        return view.confirmation(
            "Sign out everywhere: \(person["name"])", sub: #"<a href="\#(back)">\#(person["name"])</a>"#,
            """
            <ul><li>All sessions of this account end with the answer, in every browser.</li>
            <li>Whoever has its password can sign in again at once. Its keys go on.</li></ul>
            """, button: "Sign out everywhere", "DELETE /people/\(person["id"])/sessions", said: .ended, back: back)
    }

    private static let roles: [FormField.Option] = [
        .init("owner", "Owner", about: "Everything, including people and others' keys."),
        .init("operator", "Operator", about: "Everything else."),
        .init("support", "Support", about: "Reads; no exports, no secrets."),
    ]

    private static func roleTabs(_ view: View) -> Tabs {
        let current = view.visit.asked("role")
        let all = [("All", nil)] + ["owner", "operator", "support"].map { ($0.capitalized, Optional($0)) }
        return Tabs(
            "Role",
            all.map { title, role in
                Tabs.Tab(title, view.link("/people", query: [("role", role)]), isCurrent: current == role)
            })
    }

    private static func personState(_ person: Row) -> HTML {
        if person["state"] == "active", !person.bool("has_password") { return "\(State("invited", tone: .info))" }
        return "\(State(person["state"]))"
    }

    private static func personForm(_ person: Row, _ view: View) -> Panel {
        let id = person["id"]
        let form = view.form("PATCH /people/\(id)") {
            """
            \(view.field("Name", "name", value: person["name"], autocomplete: "off"))
            \(view.field("Role", "role", .radios(roles), value: person["role"]))
            <div class="actions">\(Button("Save", .primary))</div>
            """
        }
        return Panel("Role") {
            "<p>A role holds from the answer on, for sessions too. A key is never raised.</p>\(form)"
        }
    }

    private static func passwordPanel(_ person: Row, _ view: View) -> HTML {
        let id = person["id"]
        let isActive = person["state"] == "active"
        let state: HTML =
            isActive
            ? "\(Button("Disable…", .danger, leadsTo: view.link("/people", id, "disable")))"
            : view.form("PATCH /people/\(id)") {
                "\(FormField.hidden("state", "active"))\(Button("Make active again"))"
            }.html
        let now =
            person.bool("has_password")
            ? "It has a password, which holds until the link is used." : "It has set none yet."
        let reset = view.button(
            "Make a link to set a new password", "POST /people/\(id)/password-reset", said: .created, .plain)
        return """
            <div>\(Panel("Password") {
                """
                <p>\(now) The link opens once, within 24 hours, and is shown to you alone.</p>\(if: isActive, "\(reset)")
                """
            })\(Panel("State") { "<p>Nobody is deleted: the log goes on naming who did what.</p>\(state)" })</div>
            """
    }
}

/// Sessions in force, each with a button to end it. A value: any thread.
struct SessionList: MarkupPart {
    let html: HTML

    /// `path`: of the API, say `/account/sessions`. `isOwn`: of whoever looks.
    init(_ list: Row, _ path: String, isOwn: Bool, _ view: View) {
        let mayEnd = view.may(.delete, path)
        let end: HTML =
            isOwn
            ? view.button("Sign out everywhere else", "DELETE \(path)", said: .ended, .danger).html
            : Button("Sign out everywhere…", .danger, leadsTo: view.visit.here([("confirm", "all")])).html
        let all: HTML? = mayEnd && list.rows().count > (isOwn ? 1 : 0) ? end : nil
        let table = DataTable(
            caption: "Sessions in force, newest first",
            columns: [Column("Signed in"), Column("Until"), Column("Actions", .buttons)],
            rows: list.rows().map { session in
                let isCurrent = session.bool("current")
                let end = view.button("End", "DELETE \(path)/\(session["id"])", said: .ended)
                let mark: HTML? = isCurrent ? " \(State("this one", tone: .info))" : nil
                return [
                    "\(TimeText(session["created_at"], now: view.visit.call.now))\(mark)",
                    "\(TimeText(session["expires_at"], now: view.visit.call.now))",
                    isCurrent || !mayEnd ? "" : "\(end)",
                ]
            },
            empty: Empty("Signed in nowhere", "A session lasts for 12 hours at most.").html,
            previous: view.first(), next: view.next(list))
        html = Panel("Sessions", actions: all) { table.html }.html
    }
}
