import CallKit
import HTML
import HTTPCore
import PageKit

/// Suspending, ending, and signing out: what cannot be taken back by a click says first what it does (O3, O13).
extension AdminPages {
    static let resellerMoves: [Page] = [
        Page(inSteps: "/resellers/{id}/suspend", "Suspend a reseller") { view in
            let (reseller, facts) = try await touched(view, .post, "suspend")
            return confirmation(
                "Suspend", reseller,
                """
                <ul><li>From the answer on its calls are 403: it cannot order, and its people read alone.</li>
                <li>Its services go on, renew and are charged; what its webhooks hear goes on too.</li>
                <li>You can resume it at any time; its keys open again then.</li></ul>\(facts)
                """, call: "suspend", said: .suspended, view)
        },
        Page(inSteps: "/resellers/{id}/terminate", "Terminate a reseller") { view in
            let (reseller, facts) = try await touched(view, .post, "terminate")
            return confirmation(
                "Terminate", reseller,
                """
                <ul><li>For ever: no move leads out of it.</li>
                <li>From the answer on its keys and sessions are 401, and its invitations open nothing.</li>
                <li>Its services end with their paid term. Its webhooks are switched off, and what waits for them is \
                dropped.</li>
                <li>Its balance stays on the books: pay it back by a correction first, if it is owed.</li></ul>\(facts)
                """, call: "terminate", said: .terminated, view)
        },
        Page("/resellers/{id}/sessions", "Sessions of a reseller") { view in
            let id = view.visit.parameter()
            let reseller = try view.get("/resellers/\(id)")
            let list = try view.get("/resellers/\(id)/sessions", view.asked("cursor"))
            let mayEnd = view.may(.delete, "/resellers/\(id)/sessions")
            if mayEnd, view.visit.asked("confirm") == "all" { return signingOut(reseller, view) }
            let all: HTML? =
                mayEnd && !list.rows().isEmpty
                ? Button("Sign out everywhere…", .danger, leadsTo: view.visit.here([("confirm", "all")])).html : nil
            let table = DataTable(
                caption: "Sessions in force, newest first",
                columns: [Column("Who"), Column("Signed in"), Column("Until"), Column("Actions", .buttons)],
                rows: list.rows().map { session in
                    [
                        "\(session["email"])", "\(TimeText(session["created_at"], now: view.visit.call.now))",
                        "\(TimeText(session["expires_at"], now: view.visit.call.now))",
                        mayEnd
                            ? "\(view.button("End", "DELETE /resellers/\(id)/sessions/\(session["id"])", said: .ended))"
                            : "",
                    ]
                },
                empty: Empty("Nobody is signed in", "A session lasts for 12 hours at most.").html,
                previous: view.first(), next: view.next(list))
            return PageContent(
                "Sessions: \(reseller.called)",
                sub: #"<a href="\#(view.link("/resellers", id))">\#(reseller.called)</a>"#, actions: all, "\(table)")
        },
    ]

    /// The reseller, and how much of it a move touches.
    private static func touched(
        _ view: SlowView, _ method: HTTPCore.Method, _ move: String
    ) async throws -> (Row, Facts) {
        let id = view.visit.parameter()
        let most: [(String, String?)] = [("reseller", id), ("limit", "100")]
        let (reseller, keys, hooks) = try await view.reading { view in
            try view.expects(method, "/resellers/\(id)/\(move)")
            return (
                try view.get("/resellers/\(id)"), try view.get("/api-keys", most + [("state", "active")]),
                try view.get("/webhooks", most)
            )
        }
        let services = try await view.get("/services", most + [("state", "active,past_due")])
        let facts = Facts(
            isRow: true,
            [
                ("Keys in force", "\(counted(keys.rows().count, keys))"),
                ("Running services", "\(counted(services.rows().count, services))"),
                ("Webhooks", "\(counted(hooks.rows().count, hooks))"),
                ("Balance", "\(Amount(reseller["balance"])) \(reseller["currency"])"),
            ])
        return (reseller, facts)
    }

    /// `100+` where there are more than a page of them.
    private static func counted(_ count: Int, _ list: Row) -> String {
        list.bool("has_more") ? "\(count)+" : String(count)
    }

    private static func confirmation(
        _ title: String, _ reseller: Row, _ what: HTML, call: String, said: Said, _ view: SlowView
    ) -> PageContent {
        let id = reseller["id"]
        let back = view.link("/resellers", id)
        return view.confirmation(
            "\(title): \(reseller.called)",
            sub: #"<a href="\#(back)">\#(reseller.called)</a> · \#(State(reseller["status"]))"#, what,
            button: "\(title) \(reseller["name"])", "POST /resellers/\(id)/\(call)", said: said, back: back)
    }

    private static func signingOut(_ reseller: Row, _ view: View) -> PageContent {
        let id = reseller["id"]
        return view.confirmation(
            "Sign out everywhere: \(reseller.called)",
            sub: #"<a href="\#(view.link("/resellers", id))">\#(reseller.called)</a>"#,
            """
            <ul><li>All sessions of this reseller end with the answer, in every browser.</li>
            <li>Its people can sign in again at once. Its keys go on.</li></ul>
            """, button: "Sign out everywhere", "DELETE /resellers/\(id)/sessions", said: .ended,
            back: view.visit.here([("confirm", nil), ("cursor", nil)]))
    }
}
