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
    /// What keys may be used for; none where all may be used for everything.
    let scopes: [String]
    /// The call of its reference that one tries first.
    let firstCall: String

    private static let all = [
        OwnAPI(
            dialect: PortalPages.orderDialect, base: "/api/partner/v1", keys: "/keys", events: "", topUp: "/topup",
            scopes: ["partner:read", "partner:order"], firstCall: "/products"),
        OwnAPI(
            dialect: PortalPages.codeDialect, base: "/api/reseller", keys: "/keys", events: "", topUp: "/topup",
            scopes: [],
            firstCall: "/plans"),
        OwnAPI(
            dialect: "proxy_ports", base: "/v1", keys: "/api-keys", events: "/reseller", topUp: "/reseller/topup",
            scopes: [],
            firstCall: "/reseller/countries"),
        OwnAPI(
            dialect: "licence_keys", base: "/reseller", keys: "/keys", events: nil, topUp: nil, scopes: [],
            firstCall: "/myavailable"),
        OwnAPI(
            dialect: "credit_reports", base: "/api/v1/reseller", keys: "/keys", events: nil, topUp: nil, scopes: [],
            firstCall: "/account"),
    ]

    /// The first that the tenant has.
    static func of(_ view: some PageView) -> OwnAPI {
        all.first { view.visit.has(dialect: $0.dialect) } ?? all[0]
    }

    var keysCall: String { base + keys }
    func eventsCall(_ path: String) -> String { base + (events ?? "") + path }
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

extension PageView {
    /// The next page of a list of any dialect.
    func nextOf(_ list: Row) -> Link? { list.nextCursor.map { visit.here([("cursor", $0)]) } }

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
