import HTML
import HTTPCore
import PageKit

/// What the tenant does next by itself: charges, ends, deliveries, calls to provisioners (W9, H3).
extension AdminPages {
    static let due: [Page] = [
        Page("/due", "Due work") { view in
            let kind = view.visit.asked("kind")
            let found = try view.found("/due", view.asked("kind", "reseller", "until", "cursor"))
            let names = try ResellerNames(of: found.rows, view)
            let tabs = Tabs(
                "Kind",
                ([("All", nil)] + kinds.map { ($0.title, $0.name) }).map { title, name in
                    .init(title, view.visit.here([("kind", name), ("cursor", nil)]), isCurrent: kind == name)
                })
            return PageContent("Due work", "\(tabs)\(found.shown(dueTable(found.list, names, view).html))")
        }
    ]

    private static let kinds: [(name: String, title: String)] = [
        ("renewal", "Renewals"), ("hourly", "Hourly"), ("end", "Ends"), ("notice", "Notices"), ("port", "Ports"),
        ("delivery", "Deliveries"), ("provisioning", "Provisioning"), ("housekeeping", "Housekeeping"),
    ]

    private static func dueTable(_ list: Row, _ names: ResellerNames, _ view: View) -> DataTable {
        let rows = list.rows()
        let currency = rows.first.map { ", \($0["currency"])" } ?? ""
        return DataTable(
            caption: "What comes next, soonest first",
            columns: [
                Column("When"), Column("What"), Column("Of"), Column("Reseller"), Column("Tries so far", .number),
                Column("Charges\(currency)", .number),
            ],
            rows: rows.map { line($0, names, view) },
            empty: view.nothing(
                "Nothing is due",
                "Renewals, ends of terms, deliveries and calls to provisioners stand here until they are done.",
                filters: ["kind", "reseller", "until"]),
            previous: view.first(), next: view.next(list))
    }

    private static func line(_ item: Row, _ names: ResellerNames, _ view: View) -> [HTML] {
        let kind = item["kind"]
        return [
            TimeText(item["at"], now: view.visit.call.now).html,
            "\(words(kind))\(if: item["mode"] == "test", " \(State("test"))")",
            object(item, view), names.link(item["reseller"], view), item.text("tries").map { "\($0)" } ?? "",
            item.text("amount").map { Amount($0).html } ?? "",
        ]
    }

    private static func words(_ kind: String) -> String {
        switch kind {
        case "renewal": "charge the next period"
        case "hourly": "charge the hours"
        case "end": "end the service"
        case "notice": "announce the renewal"
        case "port": "end the port"
        case "delivery": "deliver the event"
        case "provisioning": "ask the provisioner"
        default: "clear away old rows"
        }
    }

    /// By its own page, where its kind has one.
    private static func object(_ item: Row, _ view: View) -> HTML {
        let id = item["object"]
        switch item["kind"] {
        case "renewal", "hourly", "end", "notice", "provisioning":
            return view.idLink("/services", id, of: item["mode"])
        case "delivery": return view.idLink("/events", id, of: item["mode"])
        default: return "<code>\(id)</code>"
        }
    }
}
