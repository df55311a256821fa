import CallKit
import HTML
import HTTPCore
import PageKit

/// All tenants: those with trouble first, then the list, as it is filtered (U1).
extension ConsolePages {
    static let tenants: [Page] = [
        Page(inSteps: "", "Tenants") { view in
            let attention = try await view.get("/attention", [("cursor", view.visit.asked("trouble"))])
            let found = try await view.found(
                "/tenants", [("limit", "50")] + view.asked("state", "tier", "q", "sort", "cursor"))
            let slugs = found.rows.map { $0["slug"] }
            let traffic =
                slugs.isEmpty ? nil : try await view.get("/traffic", [("tenant", slugs.joined(separator: ","))])
            let placed =
                slugs.isEmpty ? nil : try await view.ask("/placement", [("tenant", slugs.joined(separator: ","))])
            let isFiltered = ["state", "tier", "q"].contains { view.visit.asked($0) != nil }
            if attention.int("tenants") == 0 { return PageContent("Tenants", try await firstTenant(view)) }
            return PageContent(
                "Tenants", sub: "\(Figure.counted(attention.int("tenants"), "tenant", "tenants"))",
                actions: newTenantButton(view),
                """
                \(if: !isFiltered && view.visit.asked("cursor") == nil, trouble(attention, view))\(filters(view))
                \(found.shown(table(found.list, traffic, placed, view, isFiltered: isFiltered).html))
                """)
        }
    ]

    static func newTenantButton(_ view: some PageView) -> HTML? {
        view.may(.post, "/tenants") ? Button("New tenant", .primary, leadsTo: view.link("/tenants/new")).html : nil
    }

    /// Nothing yet: what there may be.
    private static func firstTenant(_ view: SlowView) async throws -> HTML {
        let blueprints = try await view.ask("/blueprints")?.rows() ?? []
        let cards: HTML = """
            \(each: blueprints, { blueprint in
                """
                <section class="panel"><h2>\(blueprint["title"])</h2>\
                <p class="sub">\(blueprint.texts("dialects").joined(separator: ", ")), in \(blueprint["currency"])</p>\
                <div class="actions">\(Button(
                    "Create one", leadsTo: view.link("/tenants/new", query: [("blueprint", blueprint["name"])])))</div></section>
                """
            })
            """
        let empty = Empty("No tenants yet", "Create one from a blueprint: it says what is sold, and by which API.")
        return #"\#(empty)<div class="cols three">\#(cards)</div>"#
    }

    // MARK: Trouble

    private static func trouble(_ attention: Row, _ view: SlowView) -> HTML {
        let rows = attention.rows()
        guard attention.int("troubled") > 0 else {
            return "\(Notice(.good, "<p>No tenant has trouble that the node knows of.</p>"))"
        }
        let more: HTML? = attention.optional("next_cursor").map { cursor in
            #"<p><a href="\#(view.visit.here([("trouble", cursor)]))">More of the \#(Figure.grouped(attention.int("troubled")))</a></p>"#
        }
        let first: HTML? = view.visit.asked("trouble").map { _ in
            #"<p><a href="\#(view.visit.here([("trouble", nil)]))">From the worst</a></p>"#
        }
        return """
            \(Panel("Trouble", id: "trouble") {
                """
                \(DataTable(
                    caption: "Tenants with trouble, the worst first",
                    columns: [Column("Tenant"), Column("State"), Column("What is the matter")],
                    rows: rows.map { troubled($0, view) }, empty: ""))
                \(more)\(first)
                """
            })
            """
    }

    private static func troubled(_ row: Row, _ view: SlowView) -> [HTML] {
        let matters: HTML = """
            \(each: row.rows("matters"), { matter in
                #"<p>\#(State(matter["code"].replacing("_", with: " "), tone: matter["level"] == "bad" ? .bad : .warn)) \#(matter["detail"])</p>"#
            })
            """
        return [
            #"<a href="\#(view.link("/tenants", row["slug"]))">\#(row["slug"])</a>"#,
            "\(State(row["state"]))", matters,
        ]
    }

    // MARK: The list

    private static func filters(_ view: SlowView) -> HTML {
        let states = ["active", "suspended", "cancelled", "refunded", "moved", "creating", "deleting"]
        let orders = [
            ("name", "Name"), ("-name", "Name, last first"), ("-last_request", "Last call, newest first"),
            ("last_request", "Last call, oldest first"), ("-size", "Size, largest first"),
            ("size", "Size, smallest first"), ("-created", "Newest first"), ("created", "Oldest first"),
        ]
        let all = [FormField.Option("", "All")]
        return Form.get(view.link("")) {
            """
            \(FormField("Begins with", name: "q", kind: .search, value: view.visit.asked("q"), isRequired: false))\
            \(FormField(
                "State", name: "state", kind: .select(all + states.map { .init($0) }), value: view.visit.asked("state"),
                isRequired: false))\
            \(FormField(
                "Tier", name: "tier", kind: .select(all + ["lite", "standard", "pro"].map { .init($0) }),
                value: view.visit.asked("tier"), isRequired: false))\
            \(FormField(
                "Order", name: "sort", kind: .select(orders.map { .init($0.0, $0.1) }),
                value: view.visit.asked("sort"), isRequired: false))\
            <div class="actions">\(Button("Filter"))\(view.clear(["q", "state", "tier", "sort"]))</div>
            """
        }
    }

    /// `placed`: at which nodes they are; a node that is by itself is named nowhere.
    private static func table(
        _ list: Row, _ traffic: Row?, _ placed: Row?, _ view: SlowView, isFiltered: Bool
    ) -> DataTable {
        let known = Dictionary(
            (traffic?.rows() ?? []).map { ($0["slug"], $0) }, uniquingKeysWith: { first, _ in first })
        var nodes: [String: String] = [:]
        for row in placed?.rows() ?? [] { nodes[row["slug"]] = row.text("node") }
        let node: [Column] = nodes.isEmpty ? [] : [Column("Node")]
        let empty =
            isFiltered
            ? Empty(
                "No tenant matches", "Take a filter away.", actions: Button("Clear", leadsTo: view.link("")).html)
            : Empty("No tenants yet", actions: newTenantButton(view))
        return DataTable(
            caption: "Tenants",
            columns: [
                view.column("Tenant", sortedBy: "name", own: "name"), Column("State"), Column("Tier"),
                view.column("Size", sortedBy: "size", first: .down, own: "name"), Column("Last 24 h"),
                Column("Refused", .number), Column("Failed", .number), Column("Webhooks wait"),
                view.column("Last call", sortedBy: "last_request", first: .down, own: "name"),
            ] + node,
            rows: list.rows().map { row in
                let place: [HTML] = nodes.isEmpty ? [] : ["\(nodes[row["slug"]] ?? "none")"]
                return line(row, known[row["slug"]], view) + place
            }, empty: empty.html,
            previous: view.first(), next: view.next(list))
    }

    /// `traffic`: nil of a tenant that has gone since.
    private static func line(_ tenant: Row, _ traffic: Row?, _ view: SlowView) -> [HTML] {
        let now = view.visit.call.now
        let hours = traffic?.rows("hours") ?? []
        let series = ["answered", "refused", "failed"].map { name in Series(name, hours.map { $0.int(name) }) }
        let sum = { (name: String) in hours.reduce(0) { $0 + $1.int(name) } }
        let quota = tenant.row("quotas")?.int("bytes") ?? 0
        let size = Meter(tenant.int("bytes"), of: quota, isInList: true, written: ConsoleText.bytes)
        let waits: HTML? = traffic?.text("webhooks_waiting_since").map { "since \(TimeText($0, now: now))" }
        let last: HTML? = tenant.text("last_request_at").map { TimeText($0, now: now).html }
        return [
            #"<a href="\#(view.link("/tenants", tenant["slug"]))">\#(tenant["slug"])</a>"#,
            "\(State(tenant["state"]))", "\(tenant["tier"])",
            size.html,
            "\(Sparkline("24 h", series: series))", "\(Figure.grouped(sum("refused")))",
            "\(Figure.grouped(sum("failed")))", waits ?? "", last ?? #"<span class="sub">never</span>"#,
        ]
    }
}
