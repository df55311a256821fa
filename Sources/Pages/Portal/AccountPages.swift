import CallKit
import HTML
import HTTPCore
import PageKit

/// A person's own account: its password, and where it is signed in (O13, U4).
extension PortalPages {
    static let account: [Page] = [
        Page("/account", "Account") { view in
            let account = try view.get("/account")
            let sessions = try view.get("/account/sessions", view.asked("cursor"))
            return PageContent(
                "Account", sub: "\(account["email"])",
                """
                \(Panel("Password") { password(account["email"], view).html })
                \(Panel("Where you are signed in", actions: others(view)) { table(sessions, view).html })
                """)
        }
    ]

    private static func password(_ email: String, _ view: View) -> Form {
        view.form("POST \(OwnAPI.of(view).base)/account/password", said: .saved) {
            """
            <p>A new password ends every session, this one too: you sign in again.</p>
            \(FormField.username(email))\(view.field("Present password", "old", .password, autocomplete: "current-password"))\
            \(view.field("New password", "new", .password, hint: "8 characters or more", autocomplete: "new-password"))
            <div class="actions">\(Button("Set password", .primary))</div>
            """
        }
    }

    private static func others(_ view: View) -> HTML {
        view.button("Sign out everywhere else", "DELETE \(OwnAPI.of(view).base)/account/sessions", said: .ended, .plain)
            .html
    }

    private static func table(_ sessions: Row, _ view: View) -> DataTable {
        DataTable(
            caption: "Sessions, newest first",
            columns: [Column("Since"), Column("Until"), Column("Which"), Column("End it", .buttons)],
            rows: sessions.rows().map { session in
                let isCurrent = session.bool("current")
                let end: HTML =
                    isCurrent
                    ? ""
                    : view.button(
                        "Sign out", "DELETE \(OwnAPI.of(view).base)/account/sessions/\(session["id"])", said: .ended,
                        .plain
                    ).html
                return [
                    view.when(session["created_at"]), view.when(session["expires_at"]),
                    isCurrent ? "this session" : "<code>\(session["id"])</code>", end,
                ]
            }, empty: "", previous: view.first(), next: view.next(sessions))
    }
}
