import CallKit
import HTML
import HTTPCore
import PageKit

/// Licences: what is not resold yet, drawn and assigned (L2–L5).
extension PortalPages {
    static let licencesAPI = "/reseller"

    static let licences: [Page] = [
        Page(inSteps: "/licences", "Licences", afterwards: drawn) { view in try await licenceList(view) },
        Page("/licences/find", "Licence") { view in try licence(view) },
    ]

    /// So many of those that are left are shown; the rest is found by its key.
    private static let shownMax = 200

    private static func licenceList(_ view: SlowView) async throws -> PageContent {
        let list = try await view.get("/myavailable", of: licencesAPI).rows("licenses")
        let assign = view.form("POST \(licencesAPI)/assignlicense", said: .moved) {
            """
            <div class="fields">\(view.field("Licence", "license"))\
            \(view.field("Discord user", "discord_user_id", hint: "The number, not the name."))</div>\
            <div class="actions">\(Button("Assign", .primary))</div>
            """
        }
        let table = DataTable(
            caption: "Licences that are not resold yet",
            columns: [Column("Licence"), Column("Product"), Column("Ends"), Column("In stock since")],
            rows: list.prefix(shownMax).map { licence in
                [
                    "<a href=\"\(view.link("/licences/find", query: [("license", licence["key"])]))\"><code>\(licence["key"])</code></a>",
                    "\(licence["product"])", end(licence, view), view.moment(licence["created_at"]),
                ]
            }, empty: Empty("No licences left", "Ask for more.").html)
        return PageContent(
            "Licences", sub: "\(list.count) left",
            actions: "\(view.button("Draw one", "GET \(licencesAPI)/fetchlicense", said: .created, .primary))",
            "<div class=\"cols\">\(Panel("Assign") { assign.html })\(Panel("Look up") { finder(view) })</div>\(table)")
    }

    private static func finder(_ view: some PageView) -> HTML {
        Form.get(view.link("/licences/find")) {
            """
            \(FormField(
                "Licence", name: "license", kind: .search, value: view.visit.asked("license"), isRequired: false,
                scope: "find"))\
            <div class="actions">\(Button("Look it up"))</div>
            """
        }
    }

    /// 0 stands for none.
    private static func end(_ licence: Row, _ view: some PageView) -> HTML {
        licence["expiration"] == "0" ? "never" : view.moment(licence["expiration"])
    }

    private static func licence(_ view: View) throws -> PageContent {
        let key = view.visit.asked("license") ?? ""
        let found = try view.found("/licenseinfo", [("license", key)], of: licencesAPI)
        guard !found.isRefused, let info = found.list.row("info") else {
            return PageContent("Licence", "\(Panel("Look up") { finder(view) })\(found.shown(""))")
        }
        let facts = Facts([
            ("Product", "\(info["product"])"),
            (
                "State",
                "\(State(info.bool("is_assigned") ? "assigned" : info.bool("is_expired") ? "expired" : "available"))"
            ),
            ("Ends", end(info, view)), ("In stock since", view.moment(info["created_at"])),
        ])
        return PageContent("Licence", sub: "<code>\(info["key"])</code>", "\(Panel("What it is") { facts.html })")
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
