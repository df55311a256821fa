import CallKit
import HTML
import HTTPCore
import PageKit

/// One field takes whatever a reseller's person has at hand: an id of ours, the shop's own id of a customer, a
/// reference. What is found alone is shown at once.
extension PortalPages {
    static let search: [Page] = [
        Page(inSteps: "/search", "Search") { view in
            let text = (view.visit.asked("q") ?? "").split(separator: " ").joined(separator: " ")
            if text.isEmpty { return PageContent("Search", "\(searchForm(view))\(searchHelp(view))") }
            if let page = try await known(text, view) { return .elsewhere(page) }
            let finds = try await finds(text, view)
            if finds.count == 1 { return .elsewhere(finds[0].link) }
            let table = Find.table(
                finds, caption: "What has this id or reference",
                empty: Empty("Nothing of yours matches", "All of it is compared, letter by letter."))
            return PageContent("Search", "\(searchForm(view))\(table)\(if: finds.isEmpty, searchHelp(view))")
        }
    ]

    private static func searchForm(_ view: SlowView) -> HTML {
        Form.get(view.link("/search"), keeping: view.kept()) {
            """
            \(view.field("Search for", "q", .search, value: view.visit.asked("q"), size: .wide))\
            <div class="actions">\(Button("Search", .primary))</div>
            """
        }
    }

    /// What can be found, by what the tenant sells.
    private static func searchHelp(_ view: some PageView) -> HTML {
        let kinds: [(isThere: Bool, words: String)] = [
            (
                view.visit.has(dialect: orderDialect),
                """
                orders by id, reference, Idempotency-Key or your id of the customer; services by id; customers by your \
                id; a request by its answer's Request-Id
                """
            ),
            (view.visit.has(dialect: portDialect), "ports by id; their customers by id or by your own"),
            (view.visit.has(dialect: licenceDialect), "licences by their key"),
            (OwnAPI.of(view).events != nil, "webhooks, deliveries and events by id"), (true, "keys by id"),
        ]
        let words = kinds.filter { $0.isThere }.map { $0.words }.joined(separator: "; ")
        return #"<p class="sub">What can be found: \#(words).</p>"#
    }

    private static let portDialect = "proxy_ports"
    private static let licenceDialect = "licence_keys"
    private static let linesMax = "10"

    /// Nil where there is no such thing, or it cannot be asked for so: whatever was typed is no mistake here.
    private static func asked(
        _ view: SlowView, _ path: String, _ query: [(String, String?)] = [], of api: String? = nil
    ) async throws -> Row? {
        do {
            return try await view.get(path, query, of: api)
        } catch let refusal as Refusal where refusal.status < 500 {
            return nil
        }
    }

    // MARK: By a whole id

    /// What ids begin with, the dialect that has such things, where its API reads one, and its page.
    private static let ids: [(prefix: String, dialect: String, api: String?, read: String, page: StaticString)] = [
        ("ord_", orderDialect, nil, "/orders/", "/orders"), ("svc_", orderDialect, nil, "/services/", "/services"),
        ("port_", portDialect, portsAPI, "/reseller/ports/", "/ports"),
        ("cus_", portDialect, portsAPI, "/reseller/customers/", "/port-customers"),
    ]

    /// The page of what has this very id; nil where nothing of the reseller's has.
    private static func known(_ text: String, _ view: SlowView) async throws -> Link? {
        for kind in ids where text.hasPrefix(kind.prefix) && view.visit.has(dialect: kind.dialect) {
            let found = try await asked(view, kind.read + text.percentEncoded, of: kind.api)
            if found != nil { return view.link(kind.page, text) }
        }
        if text.hasPrefix("req_"), view.visit.has(dialect: orderDialect) {
            let query: [(String, String?)] = [("request_id", text), ("callers", "keys"), ("limit", "1")]
            guard let calls = try await asked(view, "/requests", query) else { return nil }
            // Where there is more to look through, its page goes on.
            let isNone = calls.rows().isEmpty && calls.optional("next_cursor") == nil
            return isNone ? nil : view.link("/requests", query: [("request_id", text)])
        }
        let own = OwnAPI.of(view)
        if text.hasPrefix("key_") {
            let isThere = try await view.reading { view in try PortalPages.key(of: text, own, view) != nil }
            return isThere ? view.link("/api/keys", text) : nil
        }
        return try await told(text, own, view)
    }

    /// A webhook, a delivery, or the deliveries of an event.
    private static func told(_ text: String, _ own: OwnAPI, _ view: SlowView) async throws -> Link? {
        guard let events = own.events else { return nil }
        let id = text.percentEncoded
        if text.hasPrefix("whe_"), try await asked(view, "\(events)/webhooks/\(id)", of: own.base) != nil {
            return view.link("/webhooks", text)
        }
        if text.hasPrefix("dlv_"), try await asked(view, "\(events)/deliveries/\(id)", of: own.base) != nil {
            return view.link("/deliveries", text)
        }
        guard text.hasPrefix("evt_") else { return nil }
        let found = try await asked(view, "\(events)/deliveries", [("event", text)], of: own.base)?.listed ?? []
        return found.isEmpty ? nil : view.link("/deliveries", query: [("event", text)])
    }

    // MARK: By the shop's own words

    private static func finds(_ text: String, _ view: SlowView) async throws -> [Find] {
        var finds: [Find] = []
        if view.visit.has(dialect: orderDialect) {
            finds += try await customersFound(text, view)
            finds += try await ordersFound(text, view)
        }
        if view.visit.has(dialect: portDialect) {
            let found = try await asked(view, "/reseller/customers", [("externalId", text)], of: portsAPI)
            for row in found?.listed ?? [] {
                finds.append(
                    Find(
                        kind: "Customer", name: row.text("name") ?? row["email"],
                        link: view.link("/port-customers", row["_id"]), state: nil, about: row["email"]))
            }
        }
        if view.visit.has(dialect: licenceDialect) {
            let found = try await asked(view, "/licenseinfo", [("license", text)], of: licencesAPI)
            if let info = found?.row("info") {
                finds.append(
                    Find(
                        kind: "Licence", name: info["key"],
                        link: view.link("/licences/find", query: [("license", info["key"])]), state: nil,
                        about: info["product"]))
            }
        }
        return finds
    }

    private static func customersFound(_ text: String, _ view: SlowView) async throws -> [Find] {
        try await asked(view, "/customers", [("external_id", text)])?.rows().map { row in
            Find(
                kind: "Customer", name: row["external_id"],
                link: view.link("/services", query: [("customer", row["external_id"])]), state: nil,
                about: row.text("name") ?? row["email"])
        } ?? []
    }

    private static func ordersFound(_ text: String, _ view: SlowView) async throws -> [Find] {
        var finds: [Find] = []
        var seen: Set<String> = []
        for name in ["reference", "idempotency_key", "customer"] {
            let found = try await asked(view, "/orders", [(name, text), ("limit", linesMax)])
            for row in found?.rows() ?? [] where seen.insert(row["id"]).inserted {
                let about = [row["product"], row["customer_external_id"], row["reference"]].filter { !$0.isEmpty }
                finds.append(
                    Find(
                        kind: "Order", name: row["id"], link: view.link("/orders", row["id"]), state: row["state"],
                        about: about.joined(separator: " · ")))
            }
        }
        return finds
    }
}
