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
        let list = try await view.get("/reports/\(kind.name)", asked + [("cursor", view.visit.asked("cursor"))])
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
            \(tabs)<p class="sub">\(kind.about)\(list.rows().first.map { " Amounts in \($0["currency"])." as HTML })</p>\
            \(filters(kind, view))\(table(kind, list, view))
            """)
    }

    private static func filters(_ kind: ReportKind, _ view: SlowView) -> HTML {
        func field(_ label: String, _ name: String, _ kind: FormField.Kind) -> FormField {
            FormField(label, name: name, kind: kind, value: view.visit.asked(name), isRequired: false)
        }
        let groups = kind.groups.map { FormField.Option($0, "by \($0)") }
        return Form.get(view.link("/reports", kind.name), keeping: view.visit.isTest ? [("mode", "test")] : []) {
            """
            \(field("Each", "by", .select([.init("day", "day"), .init("month", "month")])))\
            \(if: groups.count > 1, field("Told", "group", .select(groups)).html)\
            \(field("From", "from", .date))\(field("To", "to", .date))<div class="actions">\(Button("Show"))</div>
            """
        }
    }

    private static func table(_ kind: ReportKind, _ list: Row, _ view: SlowView) -> DataTable {
        let rows = list.rows()
        let currency = rows.first.map { ", \($0["currency"])" } ?? ""
        let byReseller = rows.first?.text("reseller") != nil
        return DataTable(
            caption: "\(kind.title)\(currency)",
            columns: [Column("Period"), Column(byReseller ? "Reseller" : "Product")]
                + kind.columns.map { Column($0.title, .number) },
            rows: rows.map { row in
                let group: HTML =
                    row.text("reseller").map { id -> HTML in
                        #"<a href="\#(view.link("/resellers", id))"><code>\#(id)</code></a>"#
                    } ?? row.text("product").map { "<code>\($0)</code>" } ?? #"<span class="sub">none</span>"#
                return ["\(row["period"])", group] + kind.columns.map { number(row[$0.member]) }
            },
            empty: Empty("Nothing moved in this time", "Take more days, or another report.").html,
            narrow: .scroll, previous: view.first(), next: view.next(list))
    }

    private static func number(_ text: String) -> HTML {
        text.hasPrefix("-") ? #"<span class="n minus">−\#(text.dropFirst())</span>"# : "\(text)"
    }
}

/// One of the reports, with what it is of. A value: any thread.
private struct ReportKind: Sendable {
    let name: String
    let title: String
    let about: String
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
            name: "credit", title: "Credit", about: "Who owed at the end of each period, and how much.",
            groups: ["reseller"],
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
