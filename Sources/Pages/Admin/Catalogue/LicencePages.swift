import CallKit
import HTML
import HTTPCore
import PageKit

/// Licences that are to be sold (O9): how many, which, import, correction.
extension AdminPages {
    static let licences: [Page] = [
        Page(inSteps: "/stock/licences", "Licences") { view in
            let levels = try await StockParts.levels("licences", view)
            return try await view.reading { try LicencePages.list($0, levels) }
        },
        Page("/stock/licences/import", "Import licences", asks: "POST /licences", bodyBytesMax: StockParts.fileBytesMax)
        { view in
            LicencePages.importing(view)
        },
        Page(
            "/stock/licences/withdraw", "Withdraw licences", asks: "POST /licences/withdraw",
            compose: LicencePages.compose
        ) { view in
            LicencePages.withdrawing(view)
        },
        Page("/stock/licences/move", "Move licences", asks: "POST /licences/move", compose: LicencePages.compose) {
            view in
            try LicencePages.moving(view)
        },
        Page("/stock/licences/withdrawn", "Withdrawn licences") { view in try LicencePages.withdrawn(view) },
    ]
}

enum LicencePages {
    /// One key a line.
    static func compose(_ visit: Visit, _ form: FormInput) throws -> FormCall? {
        try FormCall(form.splitting("keys"), of: visit)
    }

    static func list(_ view: View, _ levels: HTML) throws -> PageContent {
        let found = try view.found("/licences", view.asked("reseller", "key", "cursor"))
        let names = try ResellerNames(of: found.rows, view)
        let mayWrite = view.may(.post, "/licences")
        let isFiltered = view.visit.asked("reseller") != nil || view.visit.asked("key") != nil
        let table = DataTable(
            caption: "Licences",
            columns: [
                Column("Key"), Column("Product"), Column("Reseller"), Column("State"), Column("Expires"),
                Column("Assigned"),
            ],
            rows: found.rows.map { line($0, names, view) },
            empty: isFiltered
                ? Empty("No such licences", "None matches the filter.").html
                : Empty(
                    "No licences yet", "A file has a line for each: reseller, product, key, expiration.",
                    actions: mayWrite
                        ? "\(Button("Import", .primary, leadsTo: view.link("/stock/licences/import")))" : nil
                ).html, previous: view.first(), next: view.next(found.list))
        let resellers = try ResellerChoice(view).filter(view)
        let filters = Form.get(view.link("/stock/licences"), keeping: StockParts.book(view)) {
            """
            \(view.filter("Key", "key"))\(resellers)\
            <div class="actions">\(Button("Filter"))\(view.clear(["key", "reseller"]))</div>
            """
        }
        return PageContent(
            "Licences",
            actions: """
                \(Button("Withdrawn", .quiet, leadsTo: view.link("/stock/licences/withdrawn")))\
                \(if: mayWrite, """
                    \(Button("Withdraw…", leadsTo: view.link("/stock/licences/withdraw")))\
                    \(Button("Move…", leadsTo: view.link("/stock/licences/move")))\
                    \(Button("Import", .primary, leadsTo: view.link("/stock/licences/import")))
                    """)
                """, "\(levels)\(filters)\(found.shown(table.html))")
    }

    private static func line(_ row: Row, _ names: ResellerNames, _ view: View) -> [HTML] {
        let now = view.visit.call.now
        let state: State =
            if row.text("assigned_at") != nil {
                State("assigned")
            } else if row.text("held_until") != nil {
                State("fetched", tone: .warn)
            } else if row["expiration"] < now.text {
                State("expired", tone: .bad)
            } else {
                State("available")
            }
        let assigned: HTML? = row.text("assigned_at").map { at in
            "\(TimeText(at, now: now)) \(row.text("discord_user_id").map { "<code>\($0)</code>" as HTML })"
        }
        return [
            "<code>\(row["key"])</code>",
            #"<a href="\#(view.link("/products", row["product"]))">\#(row["product"])</a>"#,
            names.link(row["reseller"], view), "\(state)", "\(TimeText(row["expiration"], now: now))", assigned ?? "",
        ]
    }

    static func importing(_ view: View) -> PageContent {
        PageContent(
            "Import licences", sub: #"<a href="\#(view.link("/stock/licences"))">Licences</a>"#,
            problem: StockParts.problem(view),
            StockParts.importForm(
                "POST /licences", next: view.link("/stock/licences"),
                example: """
                    reseller,product,key,expiration
                    ops@reseller.example,lifetime,AAAA-BBBB-CCCC,2030-01-01
                    ops@reseller.example,lifetime,DDDD-EEEE-FFFF,2030-01-01T12:00:00Z
                    """,
                about: """
                    <p><code>reseller</code> is an id or an e-mail address. A key that is there already refuses the \
                    whole \
                    file. In a spreadsheet, keep keys as text.</p>
                    """, view))
    }

    static func withdrawing(_ view: View) -> PageContent {
        let form = view.form("POST /licences/withdraw", said: .removed, next: view.link("/stock/licences/withdrawn")) {
            """
            \(keys(view))<div class="actions">\(Button("Withdraw these", .danger))\
            \(Button("Cancel", .quiet, leadsTo: view.link("/stock/licences")))</div>
            """
        }
        return PageContent(
            "Withdraw licences", sub: #"<a href="\#(view.link("/stock/licences"))">Licences</a>"#,
            """
            <section class="panel"><p>Licences that are taken out are sold to nobody any more. One that is assigned, \
            or was \
            fetched in the last minute, stays: then none is taken out. A withdrawn key can be imported again.</p>\
            \(form)</section>
            """)
    }

    static func moving(_ view: View) throws -> PageContent {
        let resellers = try ResellerChoice(view)
        let form = view.form("POST /licences/move", said: .moved, next: view.link("/stock/licences")) {
            """
            \(keys(view))<div class="fields">\
            \(resellers.field("To the reseller", none: "Stay where they are", hint: "Id or e-mail address", view))\
            \(view.field("To the product", "product", hint: "SKU", isRequired: false))</div>
            <div class="actions">\(Button("Move these", .primary))\
            \(Button("Cancel", .quiet, leadsTo: view.link("/stock/licences")))</div>
            """
        }
        return PageContent(
            "Move licences", sub: #"<a href="\#(view.link("/stock/licences"))">Licences</a>"#,
            """
            <section class="panel"><p>Free licences go to another reseller, to another product, or both: all that are \
            named, \
            or none.</p>\(form)</section>
            """)
    }

    private static func keys(_ view: View) -> FormField {
        view.field("Keys", "keys", .textarea(rows: 8), hint: "One a line, 100 at most.", size: .wide)
    }

    static func withdrawn(_ view: View) throws -> PageContent {
        let list = try view.get("/licences/withdrawn", view.asked("cursor"))
        let names = try ResellerNames(of: list.rows(), view)
        let now = view.visit.call.now
        let table = DataTable(
            caption: "Withdrawn licences, newest first",
            columns: [
                Column("Key"), Column("Product"), Column("Reseller"), Column("When"), Column("By"), Column("Moved to"),
            ],
            rows: list.rows().map { row in
                let to = [row.text("moved_to"), row.text("moved_to_product")].compactMap { $0 }
                return [
                    "<code>\(row["key"])</code>", "\(row["product"])", names.link(row["reseller"], view),
                    "\(TimeText(row["withdrawn_at"], now: now))", "\(row["account"])",
                    "\(to.joined(separator: ", "))",
                ]
            }, empty: Empty("None was taken out", "Licences that you withdraw or move are listed here.").html,
            previous: view.first(), next: view.next(list))
        return PageContent(
            "Withdrawn licences", sub: #"<a href="\#(view.link("/stock/licences"))">Licences</a>"#, "\(table)")
    }
}

extension StockParts {
    /// A form that asks for a page does not take its address's query along.
    static func book(_ view: some PageView) -> [(name: String, value: String)] {
        view.visit.isTest ? [("mode", "test")] : []
    }
}
