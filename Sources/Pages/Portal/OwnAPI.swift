import CallKit
import HTML
import HTTPCore
import PageKit
import TenantRegistry

/// The API that a reseller's shop speaks, by its tenant's dialect: where it keeps keys and webhooks, and what its
/// answers call them. Each speaks as its own document has it, so pages ask for a member by each of its names. A value:
/// any thread.
struct OwnAPI: Sendable {
    /// As blueprints name it.
    let dialect: String
    let base: String
    let keys: String
    /// What webhooks and deliveries are below; nil where it has none.
    let events: String?
    /// Where the balance is topped up; nil where it is not.
    let topUp: String?
    /// The call of its reference that one tries first.
    let firstCall: String
    /// Where its callers put their key.
    let keyPlace: CredentialPlace

    private static let all = [
        OwnAPI(
            dialect: PortalPages.orderDialect, base: "/api/partner/v1", keys: "/keys", events: "", topUp: "/topup",
            firstCall: "/products", keyPlace: .bearer),
        OwnAPI(
            dialect: PortalPages.codeDialect, base: "/api/reseller", keys: "/keys", events: "", topUp: "/topup",
            firstCall: "/plans", keyPlace: .header("X-Api-Key")),
        OwnAPI(
            dialect: "proxy_ports", base: "/v1", keys: "/api-keys", events: "/reseller", topUp: "/reseller/topup",
            firstCall: "/reseller/countries", keyPlace: .header("X-API-Key")),
        OwnAPI(
            dialect: "licence_keys", base: "/reseller", keys: "/keys", events: nil, topUp: nil,
            firstCall: "/myavailable", keyPlace: .query("api_token")),
        OwnAPI(
            dialect: "credit_reports", base: "/api/v1/reseller", keys: "/keys", events: nil, topUp: nil,
            firstCall: "/account", keyPlace: .bearer),
    ]

    /// The first that the tenant has.
    static func of(_ view: some PageView) -> OwnAPI {
        all.first { view.visit.has(dialect: $0.dialect) } ?? all[0]
    }

    /// The same, for pages of what it tells of: where it tells of nothing they are not there.
    static func telling(_ view: some PageView) throws -> OwnAPI {
        let own = of(view)
        guard own.events != nil else { throw Refusal.notFound(.path) }
        return own
    }

    var keysCall: String { base + keys }

    /// Whether the tenant's owner alone mints keys of it, and the reseller none (C5).
    func isMintedByOwner(_ view: some PageView) -> Bool {
        view.visit.surroundings?.mintedByOwner.contains(dialect) ?? false
    }

    /// Whether the reseller who looks is offered a key.
    func offersKeys(_ view: some PageView) -> Bool {
        view.may(.post, keys, of: base) && !isMintedByOwner(view)
    }

    func eventsCall(_ path: String) -> String { base + (events ?? "") + path }

    /// What its webhooks may be subscribed to, as its API's own schema names it.
    func eventTypes(_ view: some PageView) -> [String] {
        view.visit.choices(of: "events", in: .post, eventsCall("/webhooks"))
    }
}

extension Row {
    /// A member by whichever of its names the dialect has; nil for null and where none is there.
    func any(_ names: String...) -> String? { names.lazy.compactMap { optional($0) }.first }

    /// The rows of a list, whatever the dialect calls them.
    var listed: [Row] {
        for name in ["data", "keys", "apiKeys", "webhooks", "deliveries", "codes", "ports", "customers"]
        where json[name] != nil {
            return rows(name)
        }
        return []
    }

    var nextCursor: String? { any("next_cursor", "nextCursor") }
}

extension View {
    private static let pagesMax = 10

    /// Shows a list's pages to `look`, a hundred rows each, until it has seen enough. False where more pages follow
    /// than are looked through.
    func pages(
        _ path: String, _ query: [(String, String?)] = [("limit", "100")], of api: String? = nil,
        until look: ([Row]) -> Bool
    ) throws -> Bool {
        var cursor: String?
        for _ in 0..<Self.pagesMax {
            let list = try get(path, query + [("cursor", cursor)], of: api)
            if look(list.listed) { return true }
            guard let next = list.nextCursor else { return true }
            cursor = next
        }
        return false
    }
}

extension PageView {
    /// The next page of a list of any dialect.
    func nextOf(_ list: Row) -> Link? { list.nextCursor.map(next(cursor:)) }

    func moment(_ text: String?) -> HTML {
        when(text.map(Moment.text))
    }
}

/// A time as a dialect writes it: as text, or in milliseconds.
enum Moment {
    static func text(_ moment: String) -> String {
        Int64(moment).map { Timestamp(milliseconds: $0).text } ?? moment
    }
}
