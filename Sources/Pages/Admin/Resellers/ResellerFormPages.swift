import CallKit
import HTML
import HTTPCore
import PageKit

/// What is done with a reseller: each on a page of its own that says what happens (O3, O5).
extension AdminPages {
    static let resellerForms: [Page] = [
        resellerForm("edit", "Change a reseller", "PATCH /resellers/{id}") { reseller, view in
            view.form("PATCH /resellers/\(reseller["id"])", next: back(reseller, view)) {
                let fields: HTML =
                    reseller["status"] == "terminated"
                    ? """
                    <p>It is terminated: its notes and its address alone can change.</p>\(notes(reseller, view))\
                    \(email(reseller, view, hint: "Under another one here, somebody else can be invited with it."))
                    """
                    : "\(profileFields(reseller, view))\(termFields(reseller, view))"
                return "\(fields)\(buttons("Save", reseller, view))"
            }.html
        },
        resellerForm("top-up", "Top up", "POST /resellers/{id}/balance") { reseller, view in
            """
            \(Panel("Now") { "\(balances(reseller))" })
            \(Panel("Top up") {
                movement(
                    reseller, view, kind: "top_up", hint: "What is past due is paid from it at once, oldest first.",
                    "Top up")
            })
            """
        },
        resellerForm("correct", "Correct the balance", "POST /resellers/{id}/balance") { reseller, view in
            """
            \(Panel("Now") { "\(balances(reseller))" })
            \(Panel("Correct") {
                movement(
                    reseller, view,
                    hint: "With a minus it is taken away, down to minus the credit limit at most. No movement is ever "
                        + "deleted: a correction stands in the statement.", "Correct the balance")
            })
            """
        },
        resellerForm("secret", "New signing secret", "POST /resellers/{id}/webhook-secret/rotate") { reseller, view in
            """
            <p>Its orders are signed by this secret, and so is what its default webhook hears. The new one is shown \
            once. The old one is good for as long as you say; one before that is not any more.</p>
            \(view.form(
                "POST /resellers/\(reseller["id"])/webhook-secret/rotate", said: .rotated, next: back(reseller, view)
            ) {
                """
                \(view.field(
                    "The old one is good for", "overlap_seconds", .number, value: "86400", unit: "seconds",
                    hint: "86,400 is a day; 0 ends it now.", isRequired: false, size: .short))
                \(buttons("Make a new secret", reseller, view))
                """
            })
            """
        },
        resellerForm("password", "New password", "POST /resellers/{id}/password-reset") { reseller, view in
            let id = reseller["id"]
            let reset = view.form("POST /resellers/\(id)/password-reset", said: .created, next: back(reseller, view)) {
                buttons("Make a link to set a new password", reseller, view)
            }
            let invite = view.form("POST /resellers/\(id)/invitation", said: .invited, next: back(reseller, view)) {
                #"<div class="actions">\#(Button("Make a new invitation"))</div>"#
            }
            return """
                \(Panel("It has a password, and has lost it") {
                    """
                    <p>The link is for \(reseller["email"]), opens once within 24 hours, and is shown to you alone. \
                    The password before holds until it is used; then all of its sessions end.</p>\(reset)
                    """
                })
                \(Panel("It has never set a password") {
                    """
                    <p>The invitation before opens nothing any more. The new one opens once, within 14 days.</p>\
                    \(invite)
                    """
                })
                """
        },
    ]

    /// A page of one reseller with a form of this call.
    private static func resellerForm(
        _ path: String, _ title: String, _ call: String,
        _ write: @escaping @Sendable (_ reseller: Row, View) throws -> HTML
    ) -> Page {
        Page("/resellers/{id}/\(path)", title, asks: call) { view in
            let reseller = try view.get("/resellers/\(view.visit.parameter())")
            return PageContent(
                "\(title): \(reseller.called)",
                sub: #"<a href="\#(back(reseller, view))">\#(reseller.called)</a> · \#(State(reseller["status"]))"#,
                try write(reseller, view))
        }
    }

    private static func back(_ reseller: Row, _ view: View) -> Link { view.link("/resellers", reseller["id"]) }

    private static func buttons(_ text: String, _ reseller: Row, _ view: View) -> HTML {
        """
        <div class="actions">\(Button(text, .primary))\(Button("Cancel", .quiet, leadsTo: back(reseller, view)))</div>
        """
    }

    // MARK: Fields

    private static func profileFields(_ reseller: Row, _ view: View) -> Panel {
        Panel("Profile") {
            """
            <div class="fields">\(view.field("Name", "name", value: reseller["name"], autocomplete: "off"))\
            \(view.field(
                "Company", "company", value: reseller["company"], isRequired: false, autocomplete: "off"))</div>
            \(email(
                reseller, view,
                hint: "Its person signs in by the new one at once; links that were sent to the old one open nothing."))
            \(notes(reseller, view))
            """
        }
    }

    private static func email(_ reseller: Row, _ view: View, hint: String) -> FormField {
        view.field("E-mail", "email", .email, value: reseller["email"], hint: hint, autocomplete: "off")
    }

    private static func notes(_ reseller: Row, _ view: View) -> FormField {
        view.field(
            "Notes", "notes", .textarea(rows: 5), value: reseller["notes"], hint: "For operators alone.",
            isRequired: false, size: .wide)
    }

    private static func termFields(_ reseller: Row, _ view: View) -> Panel {
        let limit = reseller.row("rate_limit")
        return Panel("Terms") {
            """
            <div class="fields">\(view.field(
                "Discount", "default_discount_rate", .decimal, value: reseller["default_discount_rate"], unit: "%",
                hint: "Off every price that has no discount of its own.", size: .short))\
            \(view.field(
                "Credit limit", "credit_limit", .decimal, value: reseller["credit_limit"], unit: reseller["currency"],
                hint: "How far the balance may go below nothing.", size: .short))\
            \(view.field(
                "Warn below", "low_balance_threshold", .decimal, value: reseller["low_balance_threshold"],
                unit: reseller["currency"], hint: "Its webhooks are told once; empty: never.", isRequired: false,
                size: .short))</div>
            <div class="fields">\(view.field(
                "Requests", "rate_limit.requests", .number, value: limit?["requests"], size: .short))\
            \(view.field(
                "Window", "rate_limit.window_seconds", .number, value: limit?["window_seconds"], unit: "seconds",
                size: .short))\
            \(view.field(
                "Burst", "rate_limit.burst", .number, value: LimitShown.burst(limit), hint: LimitShown.burstHint,
                isRequired: false, size: .short))</div>
            \(FormField.hidden("api_access", "false"))\
            \(view.field(
                "It may call the API", "api_access", .checkbox, value: reseller["api_access"], isRequired: false))
            """
        }
    }

    /// `kind`: what alone it may be; nil where its sign says it.
    private static func movement(
        _ reseller: Row, _ view: View, kind: String? = nil, hint: String, _ text: String
    ) -> HTML {
        view.form("POST /resellers/\(reseller["id"])/balance", next: back(reseller, view)) {
            """
            \(kind.map { FormField.hidden("kind", $0) })\(view.field("Amount", "amount", .decimal, unit: reseller["currency"], hint: hint, size: .short))
            \(view.field("Reference", "reference", hint: "As the statement shows it, say an invoice's number."))
            \(buttons(text, reseller, view))
            """
        }.html
    }
}
