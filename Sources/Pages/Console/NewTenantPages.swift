import CallKit
import HTML
import HTTPCore
import PageKit

/// A tenant made from a blueprint; its owner's key is shown once (U1, P1).
extension ConsolePages {
    static let newTenant: [Page] = [
        Page(
            inSteps: "/tenants/new", "New tenant", asks: "POST /tenants",
            afterwards: { visit, _, made in welcome(made, visit) }
        ) { view in
            let blueprints = try await view.get("/blueprints").rows()
            let chosen = view.visit.asked("blueprint") ?? blueprints.first?["name"]
            let tiers = [FormField.Option("", "As the blueprint says")] + ["lite", "standard", "pro"].map { .init($0) }
            let currencies: [FormField.Option] = [.init("", "As the blueprint says")] + Currency.codes.map { .init($0) }
            let form = view.form("POST /tenants", said: .created, next: view.link("")) {
                """
                \(view.field(
                    "Blueprint", "blueprint", .radios(blueprints.map { option($0) }), value: chosen))
                \(view.field(
                    "Slug", "slug", hint: "Small letters, digits and hyphens. Part of its address, for ever.",
                    autocomplete: "off", size: .short))
                \(view.field("Owner's e-mail", "owner_email", .email, autocomplete: "off"))
                <div class="fields">\(view.field("Tier", "tier", .select(tiers), isRequired: false))\
                \(view.field(
                    "Currency", "currency", .select(currencies), hint: "For ever.", isRequired: false))</div>
                \(view.field(
                    "Owner's password", "password", .password,
                    hint: "Without one you get a link by which the owner sets it.", isRequired: false,
                    autocomplete: "new-password"))
                <div class="actions">\(Button("Create", .primary))\(Button("Cancel", .quiet, leadsTo: view.link("")))</div>
                """
            }
            return PageContent("New tenant", "\(form)")
        }
    ]

    private static func option(_ blueprint: Row) -> FormField.Option {
        .init(
            blueprint["name"], blueprint["title"],
            about:
                "\(blueprint.texts("dialects").map { $0.replacing("_", with: " ") }.joined(separator: ", ")), in \(blueprint["currency"])"
        )
    }

    /// What is shown this once, and the way on.
    private static func welcome(_ made: Row, _ visit: Visit) -> PageContent {
        let invitation: HTML? = made.optional("invitation_url").map { url in
            #"<p class="sub">Link for the owner to set a password, for 14 days</p>\#(CopyBox(url, id: "invitation", label: "link"))"#
        }
        let example = """
            curl \(made["base_url"])/api/admin/settings \\
              -H "Authorization: Bearer \(made["owner_key"])"
            """
        return PageContent(
            "\(made["slug"]) is there", sub: "\(made["tier"]), in \(made["currency"])",
            """
            <section class="panel once" role="status"><h2>Keep it now</h2>
            <p>The owner's key opens the whole tenant. It is kept here only as a hash, so nobody can show it again.</p>
            <p class="sub">Owner's key</p>\(CopyBox(made["owner_key"], id: "owner-key", label: "owner's key"))
            \(invitation)
            <p class="sub">A first call</p>\(CopyBox(example, id: "first-call", label: "call", isBlock: true))
            <div class="actions">\(adminButton(made["base_url"], made["slug"], visit))\
            \(Button("The tenant here", leadsTo: visit.link("/tenants", made["slug"])))</div></section>
            """)
    }

    /// To the tenant's own pages: at the address by which the console was called, if tenants are served there.
    static func adminButton(_ base: String, _ slug: String, _ visit: Visit) -> HTML {
        if let host = visit.call.head.value(of: .host), base.hasSuffix("://\(host)/t/\(slug)"),
            let link = Link(path: "/t/\(slug)/admin")
        {
            return Button("Open its admin", .primary, leadsTo: link).html
        }
        if let link = Link(external: "\(base)/admin") { return Button("Open its admin", .primary, leadsTo: link).html }
        return "<p>Its admin: <code>\(base)/admin</code></p>"
    }
}
