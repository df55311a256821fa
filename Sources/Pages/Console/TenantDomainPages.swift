import CallKit
import HTML
import HTTPCore
import PageKit

/// A tenant's own host names, and the certificates that they are served with (U1, P2). What is sent is the whole list:
/// each form has the names that stay, and a name alone keeps the certificate that it has. It has the names that the
/// page showed too: where others have changed the list since, nothing is done, and the page comes again with what there
/// is.
extension ConsolePages {
    static let domains: [Page] = [
        Page(inSteps: "/tenants/{slug}/domains", "A tenant's domains", asks: "PATCH /tenants/{slug}") { view in
            let (tenant, path) = try await one(view)
            let hosts = tenant.texts("domains")
            if let host = view.visit.asked("remove"), hosts.contains(host) {
                return removal(of: host, from: hosts, tenant, path, view)
            }
            let chosen = view.visit.asked("host").flatMap { hosts.contains($0) ? $0 : nil }
            let table = DataTable(
                caption: "Domains", columns: [Column("Domain"), Column("Actions", .buttons)],
                rows: hosts.map { line($0, view) },
                empty: Empty("No domains yet", "It is called at \(tenant["base_url"]).").html)
            return PageContent(
                "Domains of \(tenant["slug"])",
                """
                \(table)\(Panel(chosen.map { "Certificate of \($0)" } ?? "Add a domain") {
                    "\(form(chosen, of: hosts, tenant, path, view))"
                })
                """)
        }
    ]

    private static func line(_ host: String, _ view: SlowView) -> [HTML] {
        let certificate = Button("Certificate…", leadsTo: view.visit.here([("host", host)]))
        let removal = Button("Remove…", .danger, leadsTo: view.visit.here([("host", nil), ("remove", host)]))
        return ["<code>\(host)</code>", "\(certificate)\(removal)"]
    }

    private static func removal(
        of host: String, from hosts: [String], _ tenant: Row, _ path: String, _ view: SlowView
    ) -> PageContent {
        let back = view.visit.here([("remove", nil)])
        return view.confirmation(
            "Remove \(host)", sub: #"<a href="\#(back)">Domains of \#(tenant["slug"])</a>"#,
            """
            <ul><li>From the answer on nobody reaches the tenant by it: programs of its resellers that call it fail.</li>
            <li>Its certificate and its sealed private key are dropped: to have it back, send both again.</li>
            <li>The tenant is still called at \(tenant["base_url"]).</li></ul>
            """, button: "Remove this domain", "PATCH \(path)", said: .removed, back: back,
            fields: staying(hosts.filter { $0 != host }, of: hosts))
    }

    /// `chosen`: which gets another certificate; nil: a domain more.
    private static func form(
        _ chosen: String?, of hosts: [String], _ tenant: Row, _ path: String, _ view: SlowView
    ) -> Form {
        // The first of the list, however many there are when the page comes again: what was typed stays in its field.
        let new = "domains.0"
        let host: HTML =
            chosen.map { FormField.hidden("\(new).host", $0) }
            ?? view.field(
                "Domain", "\(new).host", hint: "Its DNS leads here. It is nobody else's, and not below the node's own.",
                autocomplete: "off"
            ).html
        let isRequired = chosen != nil
        let certificate = view.field(
            "Certificate", "\(new).certificate", .textarea(rows: 6),
            hint: "The chain in PEM, the domain's own first. Without one, something in front of the gateway has it.",
            isRequired: isRequired, autocomplete: "off", size: .wide)
        let key = view.field(
            "Private key", "\(new).private_key", .secret(rows: 6), hint: "In PEM. It is sealed, and never shown again.",
            isRequired: isRequired, autocomplete: "off", size: .wide)
        let done = view.link("/tenants", tenant["slug"], "domains")
        return view.form("PATCH \(path)", said: chosen == nil ? .added : .saved, next: done) {
            """
            \(host)\(certificate)\(key)\(staying(hosts.filter { $0 != chosen }, of: hosts))
            <div class="actions">\(Button(chosen == nil ? "Add it" : "Replace it", .primary))\(back(tenant, view))</div>
            """
        }
    }

    /// The names that stay as they are, behind the one that the form is about, and all that the page shows.
    private static func staying(_ names: [String], of hosts: [String]) -> HTML {
        "\(hidden("domains", names))\(hidden("domains_were", hosts))"
    }

    /// The first field makes a list of no names too.
    private static func hidden(_ name: String, _ hosts: [String]) -> HTML {
        let fields: HTML = "\(each: hosts.enumerated(), { FormField.hidden("\(name).\($0.offset + 1)", $0.element) })"
        return "\(FormField.hidden(name, ""))\(fields)"
    }
}
