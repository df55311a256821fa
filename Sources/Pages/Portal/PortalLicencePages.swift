import CallKit
import HTML
import HTTPCore
import PageKit

/// Licences: what is not resold yet, drawn, assigned, taken along (L2–L5).
extension PortalPages {
    static let licencesAPI = "/reseller"

    static let licences: [Page] = [
        Page("/licences", "Licences", afterwards: drawn) { view in try licenceList(view) },
        Page("/licences/find", "Licence") { view in try licence(view) },
    ]

    static let licencesDownload = Download(
        "/licences.csv", "/myavailable.csv", "Download the licences", of: licencesAPI)

    private static func licenceList(_ view: View) throws -> PageContent {
        let found = try view.found("/myavailable", view.asked("cursor") + [("limit", "100")], of: licencesAPI)
        let licences = found.isRefused ? [] : found.list.rows("licenses")
        let table = DataTable(
            caption: "Licences that are not resold yet",
            columns: [Column("Licence"), Column("Product"), Column("Ends"), Column("In stock since")],
            rows: licences.map { licence in
                [
                    "<a href=\"\(view.link("/licences/find", query: [("license", licence["key"])]))\"><code>\(licence["key"])</code></a>",
                    "\(licence["product"])", end(licence, view), view.moment(licence["created_at"]),
                ]
            },
            empty: view.visit.isTest
                ? Empty("No test licences left").html : Empty("No licences left", "Ask for more.").html,
            previous: view.first(), next: view.nextOf(found.list))
        let isWhole = view.visit.asked("cursor") == nil && found.list.nextCursor == nil && !found.isRefused
        let draw: HTML? =
            view.may(.get, "/fetchlicense", of: licencesAPI)
            ? view.button("Draw one", "GET \(licencesAPI)/fetchlicense", said: .created, .primary).html : nil
        return PageContent(
            "Licences", sub: isWhole ? "\(Figure.grouped(licences.count)) left" : nil,
            actions: """
                \(if: !licences.isEmpty, Button("CSV", leadsTo: view.link("/licences.csv")).html)\(draw)
                """,
            """
            \(view.standing(try view.get("/account")))<div class="cols">\(assignment(view))\
            \(Panel("Look up") { finder(view) })</div>\(found.shown(table.html))\
            \(together(licences.map { $0["key"] }, id: "licences", "the licences"))
            """)
    }

    /// Nil for whoever may not.
    private static func assignment(_ view: View) -> HTML? {
        guard view.may(.post, "/assignlicense", of: licencesAPI) else { return nil }
        let form = view.form("POST \(licencesAPI)/assignlicense", said: .assigned) {
            """
            <div class="fields">\(view.field("Licence", "license"))\
            \(view.field("Discord user", "discord_user_id", hint: "The number, not the name."))</div>\
            <div class="actions">\(Button("Assign", .primary))</div>
            """
        }
        return Panel("Assign") { form.html }.html
    }

    private static func finder(_ view: View) -> HTML {
        Form.get(view.link("/licences/find"), keeping: view.kept("list")) {
            """
            \(FormField(
                "Licence", name: "license", kind: .search, value: view.visit.asked("license"), isRequired: false,
                scope: "find"))\
            <div class="actions">\(Button("Look it up"))</div>
            """
        }
    }

    /// 0 stands for none.
    private static func end(_ licence: Row, _ view: View) -> HTML {
        licence["expiration"] == "0" ? "never" : view.moment(licence["expiration"])
    }

    private static func licence(_ view: View) throws -> PageContent {
        let back = view.row("Licences", view.link("/licences"))
        let key = view.visit.asked("license") ?? ""
        let found = try view.found("/licenseinfo", [("license", key)], of: licencesAPI)
        guard !found.isRefused, let info = found.list.row("info") else {
            return PageContent("Licence", sub: back, "\(Panel("Look up") { finder(view) })\(found.shown(""))")
        }
        let facts = Facts([
            ("Product", "\(info["product"])"),
            (
                "State",
                "\(State(info.bool("is_assigned") ? "assigned" : info.bool("is_expired") ? "expired" : "available"))"
            ),
            ("Ends", end(info, view)), ("In stock since", view.moment(info["created_at"])),
        ])
        return PageContent(
            "Licence", sub: "\(back) · <code>\(info["key"])</code>", "\(Panel("What it is") { facts.html })")
    }

    @Sendable private static func drawn(_ visit: Visit, _ call: FormCall, _ row: Row) -> PageContent? {
        guard let licence = row.row("license") else { return nil }
        return PageContent(
            "Licence drawn",
            """
            \(Panel("One of those that are left") { CopyBox(licence["key"], id: "licence", label: "the licence").html })\
            <p>\(Button("All licences", leadsTo: visit.link("/licences")))</p>
            """)
    }
}
