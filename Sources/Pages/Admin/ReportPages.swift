import CallKit
import HTML
import HTTPCore
import PageKit

/// Turnover, refunds, holds, credit and balances, as the ledger has them (O14).
extension AdminPages {
    static let reports: [Page] =
        [
            Page(inSteps: "/reports", "Reports") { view in try await report(ReportKind.all[0], "Reports", view) }
        ]
        + ReportKind.all.map { kind in
            Page(inSteps: "/reports/\(kind.name)", kind.title) { view in try await report(kind, kind.title, view) }
        }

    static let reportDownloads: [Download] = ReportKind.all.map { kind in
        Download("/reports/\(kind.name).csv", "/reports/\(kind.name).csv", "\(kind.title) as CSV")
    }

    private static func report(_ kind: ReportKind, _ title: String, _ view: SlowView) async throws -> PageContent {
        let asked: [(String, String?)] = [
            ("by", view.visit.asked("by")), ("group", kind.group(view.visit.asked("group"))),
            ("from", view.visit.asked("from")), ("to", view.visit.asked("to")),
        ]
        let found = try await view.found("/reports/\(kind.name)", asked + [("cursor", view.visit.asked("cursor"))])
        let names = try await ResellerNames(of: found.rows, view)
        let tabs = Tabs(
            "Report",
            ReportKind.all.map { other in
                .init(
                    other.title, view.link("/reports", other.name, query: asked.filter { $0.0 != "group" }),
                    isCurrent: other.name == kind.name)
            })
        let export: HTML? =
            view.may(.get, "/reports/\(kind.name).csv")
            ? Button("CSV", leadsTo: view.link("/reports", "\(kind.name).csv", query: asked)).html : nil
        return PageContent(
            title, actions: export,
            """
            \(tabs)<p class="sub">\(kind.about)\(found.currency.map { " Amounts in \($0)." as HTML })</p>\
            \(filters(kind, view))\(found.shown(table(kind, found.list, names, view).html))
            """)
    }

    private static func filters(_ kind: ReportKind, _ view: SlowView) -> HTML {
        func field(_ label: String, _ name: String, _ kind: FormField.Kind) -> FormField {
            FormField(label, name: name, kind: kind, value: view.visit.asked(name), isRequired: false)
        }
        let groups = [FormField.Option("", "all together")] + kind.groups.map { FormField.Option($0, "by \($0)") }
        return Form.get(view.link("/reports", kind.name), keeping: view.visit.isTest ? [("mode", "test")] : []) {
            """
            \(field("Each", "by", .select([.init("day", "day"), .init("month", "month")])))\
            \(if: !kind.groups.isEmpty, field("Told", "group", .select(groups)).html)\
            \(field("From", "from", .date))\(field("To", "to", .date))<div class="actions">\(Button("Show"))</div>
            """
        }
    }

    private static func table(_ kind: ReportKind, _ list: Row, _ names: ResellerNames, _ view: SlowView) -> DataTable {
        let rows = list.rows()
        let currency = rows.first.map { ", \($0["currency"])" } ?? ""
        let group = kind.groups.isEmpty ? "reseller" : kind.group(view.visit.asked("group"))
        var columns = [Column("Period")]
        if let group { columns.append(Column(group == "reseller" ? "Reseller" : "Product")) }
        return DataTable(
            caption: "\(kind.title)\(currency)",
            columns: columns + kind.columns.map { Column($0.title, .number) },
            rows: rows.map { row -> [HTML] in
                let period = row["period"]
                var cells: [HTML] = [#"<time datetime="\#(period)">\#(period)</time>"#]
                if group != nil { cells.append(what(row, names, view)) }
                for column in kind.columns { cells.append("\(Amount(row[column.member]))") }
                return cells
            },
            empty: Empty("Nothing moved in this time", "Take more days, or another report.").html,
            previous: view.first(), next: view.next(list))
    }

    /// What a line is told by.
    private static func what(_ row: Row, _ names: ResellerNames, _ view: SlowView) -> HTML {
        if let id = row.text("reseller") { return names.link(id, view) }
        return row.text("product").map { "<code>\($0)</code>" } ?? #"<span class="sub">none</span>"#
    }
}

/// One of the reports, with what it is of. A value: any thread.
private struct ReportKind: Sendable {
    let name: String
    let title: String
    let about: String
    /// What it may be told by, where it may be told all together too; none: it is always by reseller.
    let groups: [String]
    let columns: [(title: String, member: String)]

    /// What is asked for, where this report is told by it; nil: as the report is by itself.
    func group(_ asked: String?) -> String? { groups.contains { $0 == asked } ? asked : nil }

    static let all = [
        ReportKind(
            name: "turnover", title: "Turnover", about: "What was sold, less what was given back.",
            groups: ["product", "reseller"],
            columns: [
                ("Sales", "sales"), ("Orders", "orders"), ("Renewals", "renewals"), ("Hourly", "hourly"),
                ("Ports", "ports"), ("Codes", "codes"), ("Captures", "captures"), ("Refunds", "refunds"),
                ("Turnover", "turnover"),
            ]),
        ReportKind(
            name: "refunds", title: "Refunds", about: "What was given back of orders.",
            groups: ["product", "reseller"], columns: [("Count", "count"), ("Refunds", "refunds")]),
        ReportKind(
            name: "holds", title: "Holds", about: "What orders held, and what came of it.",
            groups: ["product", "reseller"],
            columns: [
                ("Count", "count"), ("Placed", "placed"), ("Captured", "captured"), ("Voided", "voided"),
                ("Open", "open"),
            ]),
        ReportKind(
            name: "credit", title: "Credit", about: "Who owed at the end of each period, and how much.", groups: [],
            columns: [("Balance", "balance"), ("Credit used", "credit_used"), ("Credit limit", "credit_limit")]),
        ReportKind(
            name: "balances", title: "Balances", about: "Balances at the end of each period, and what moved on them.",
            groups: ["reseller"],
            columns: [
                ("Topped up", "topped_up"), ("Corrected", "corrected"), ("Spent", "spent"), ("Refunded", "refunded"),
                ("Transferred", "transferred"), ("Balance", "balance"), ("Held", "held"),
            ]),
    ]
}
