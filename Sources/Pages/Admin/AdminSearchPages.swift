import CallKit
import HTML
import HTTPCore
import PageKit

/// One field takes whatever somebody has at hand: an id of any kind, an address, a reseller's own id or reference. What
/// is found alone is shown at once.
extension AdminPages {
    static let search: [Page] = [
        Page(inSteps: "/search", "Search") { view in
            guard let text = view.visit.asked("q")?.spacedOnce, !text.isEmpty else {
                return PageContent("Search", "\(searchForm(view))\(searchHelp)")
            }
            if let page = try await known(text, view) { return .elsewhere(page) }
            let finds = try await finds(text, view)
            if finds.count == 1 { return .elsewhere(finds[0].link) }
            let table = Find.table(
                finds, caption: "What begins like this",
                empty: Empty(
                    "Nothing matches", "An id is looked for as a whole or as it begins; so is everything else."
                ))
            return PageContent("Search", "\(searchForm(view))\(table)\(if: finds.isEmpty, searchHelp)")
        }
    ]

    private static func searchForm(_ view: SlowView) -> HTML {
        Form.get(view.link("/search"), keeping: view.visit.kept("mode")) {
            """
            \(view.field("Search for", "q", .search, value: view.visit.asked("q"), size: .wide))\
            <div class="actions">\(Button("Search", .primary))</div>
            """
        }
    }

    private static let searchHelp: HTML = """
        <p class="sub">Resellers by id, e-mail, name or company; orders and services by id, reference, external id or \
        e-mail; customers, keys, people, products, endpoints, deliveries, events that were delivered, replays, \
        payments, credit events, reconciliations and reviews by id; licences and activation codes as a whole; a request \
        by its answer's Request-Id.</p>
        """

    // MARK: By a whole id

    /// What ids begin with, where the API reads the thing, and its page.
    private static let kinds: [(prefix: String, read: String, page: StaticString)] = [
        ("res_", "/resellers/", "/resellers"), ("ord_", "/orders/", "/orders"), ("svc_", "/services/", "/services"),
        ("cus_", "/customers/", "/customers"), ("key_", "/api-keys/", "/keys"), ("per_", "/people/", "/people"),
        ("sub_", "/subscribers/", "/subscribers"), ("whe_", "/webhooks/", "/endpoints"),
        ("dlv_", "/deliveries/", "/events"), ("pay_", "/payments/", "/payments"),
        ("rpl_", "/replays/", "/events/replays"), ("ev_", "/credit-events/", "/credits"),
        ("rec_", "/reconciliations/", "/reconciliations"), ("rev_", "/reviews/", "/reviews"),
    ]

    /// The page of what has this very id; nil where nothing has.
    private static func known(_ text: String, _ view: SlowView) async throws -> Link? {
        if text.hasPrefix("req_") {
            let found = try await asked("/audit", [("request_id", text), ("limit", "1")], view)
            return found?.rows().isEmpty == false ? view.link("/audit", query: [("request_id", text)]) : nil
        }
        for kind in kinds where text.hasPrefix(kind.prefix) && text.isPlainID {
            if try await asked(kind.read + text, [], view) != nil { return view.link(kind.page, text) }
        }
        if let list = try await listed(text, view) { return list }
        guard text.isPlainID, try await asked("/products/\(text)", [], view) != nil else { return nil }
        return view.link("/products", text)
    }

    /// The list that has nothing but it: an event has a delivery for each endpoint, and licences and codes no pages of
    /// their own.
    private static func listed(_ text: String, _ view: SlowView) async throws -> Link? {
        if text.hasPrefix("evt_") {
            let found = try await asked("/deliveries", [("event", text), ("limit", "1")], view)
            return found?.rows().isEmpty == false ? view.link("/events", query: [("event", text)]) : nil
        }
        if view.visit.has(dialect: "activation_codes"), text.isPlainID,
            let code = try await asked("/codes/\(text.lowercased())", [], view),
            (code["mode"] == "test") == view.visit.isTest
        {
            return view.link("/codes", query: [("code", text)])
        }
        if view.visit.has(dialect: "licence_keys"),
            try await asked("/licences", [("key", text)], view)?.rows().isEmpty == false
        {
            return view.link("/stock/licences", query: [("key", text)])
        }
        return nil
    }

    /// Nil where there is no such thing, or it cannot be asked for so: whatever was typed is no mistake here.
    private static func asked(_ path: String, _ query: [(String, String?)], _ view: SlowView) async throws -> Row? {
        do {
            return try await view.get(path, query)
        } catch let refusal as Refusal where refusal.status < 500 {
            return nil
        }
    }

    // MARK: By how it begins

    private static let linesMax = "10"

    private static func finds(_ text: String, _ view: SlowView) async throws -> [Find] {
        let like: [(String, String?)] = [("q", text), ("limit", linesMax)]
        var finds: [Find] = []
        for row in try await asked("/resellers", like, view)?.rows() ?? [] {
            finds.append(
                Find(
                    kind: "Reseller", name: row.called, link: view.link("/resellers", row["id"]), state: row["status"],
                    about: row["email"]))
        }
        for row in try await asked("/customers", like, view)?.rows() ?? [] {
            finds.append(
                Find(
                    kind: "Customer", name: row.text("external_id") ?? row["id"],
                    link: view.link("/customers", row["id"]), state: nil, about: row["email"]))
        }
        for row in try await asked("/orders", like, view)?.rows() ?? [] {
            finds.append(
                Find(
                    kind: "Order", name: row["id"], link: view.link("/orders", row["id"]), state: row["state"],
                    about: [row["product"], row["customer_external_id"], row["reference"]].told))
        }
        for row in try await asked("/services", like, view)?.rows() ?? [] {
            finds.append(
                Find(
                    kind: "Service", name: row["id"], link: view.link("/services", row["id"]), state: row["status"],
                    about: [row["product"], row["customer_external_id"]].told))
        }
        return try await finds + accounts(text, view)
    }

    /// By a whole address.
    private static func accounts(_ text: String, _ view: SlowView) async throws -> [Find] {
        guard text.contains("@") else { return [] }
        var finds: [Find] = []
        for row in try await asked("/people", [("email", text)], view)?.rows() ?? [] {
            finds.append(
                Find(
                    kind: "Person", name: row["name"], link: view.link("/people", row["id"]), state: row["state"],
                    about: row["role"]))
        }
        for row in try await asked("/subscribers", [("email", text)], view)?.rows() ?? [] {
            finds.append(
                Find(
                    kind: "Subscriber", name: row["email"], link: view.link("/subscribers", row["id"]),
                    state: row.row("subscription")?["status"], about: ""))
        }
        return finds
    }
}

extension String {
    /// Its words with one space between them.
    fileprivate var spacedOnce: String {
        split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }

    /// It may stand in a path as it is.
    fileprivate var isPlainID: Bool {
        utf8.count <= 100
            && utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            } && !allSatisfy { $0 == "." }
    }
}

extension [String] {
    fileprivate var told: String { filter { !$0.isEmpty }.joined(separator: " · ") }
}
