import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// A page of tenants as it was asked for (P2): filters, an order, a place to go on behind. Without filters, and by
/// name, it is a walk along the slugs; else all tenants are looked at, which are in memory but for their sizes.
struct TenantList: Sendable {
    enum Order: String, CaseIterable {
        case name
        case created
        case lastRequest = "last_request"
        case size
    }

    /// A tenant with what it is ordered by; by name that is the slug alone.
    struct Row: Sendable {
        let record: TenantRecord
        var key: Int64 = 0

        init(_ record: TenantRecord) { self.record = record }
    }

    struct Place: Sendable {
        let key: Int64
        let slug: String
    }

    let limit: Int
    /// Behind which the page begins; nil for the first page.
    let after: Place?
    private let seal: CursorSeal
    private let order: Order
    private let isDescending: Bool
    private let states: Set<String>?
    private let tiers: Set<String>?
    private let blueprints: Set<String>?
    private let ownerEmail: String?
    /// The folded beginning of a slug, an id, an owner's address or a domain, in each spelling that is kept.
    private let beginnings: [String]?

    private static let orders = Order.allCases.flatMap { [$0.rawValue, "-\($0.rawValue)"] }
    private static let stateNames = ["creating", "active", "suspended", "cancelled", "refunded", "deleting", "moved"]

    static let parameters: [Parameter] = [
        .limit, .cursor, .query("state", some(of: stateNames)), .query("tier", some(of: Tier.allCases.map(\.rawValue))),
        .query("blueprint", .matching(blueprintNames)), .query("owner_email"), .search,
        .query("sort", .one(of: orders)),
    ]

    private static let blueprintNames = "^[a-z0-9-]{1,32}(,[a-z0-9-]{1,32})*$"

    /// Words between commas.
    private static func some(of words: [String]) -> Schema {
        let word = "(\(words.joined(separator: "|")))"
        return .matching("^\(word)(,\(word))*$")
    }

    init(_ call: Call) throws(Refusal) {
        let query = try call.query()
        let seal = try CursorSeal(call)
        limit = try Paging.limit(query)
        after = try query["cursor"].map { text throws(Refusal) in
            let bytes = try seal.open(text)
            guard let key = bytes.place(0) else { throw .badQuery(.unknownCursor) }
            return Place(key: key, slug: String(decoding: bytes[8...], as: UTF8.self))
        }
        self.seal = seal
        let sort = query["sort"] ?? Order.name.rawValue
        guard Self.orders.contains(sort), let order = Order(rawValue: String(sort.drop { $0 == "-" })) else {
            throw .field("/sort", "choice", "must be one of \(Self.orders.joined(separator: ", "))")
        }
        self.order = order
        isDescending = sort.hasPrefix("-")
        states = try Self.values(query, "state", of: Self.stateNames)
        tiers = try Self.values(query, "tier", of: Tier.allCases.map(\.rawValue))
        blueprints = try Self.values(query, "blueprint", of: nil)
        if let wrong = blueprints?.sorted().first(where: { !Self.isKnown(blueprint: $0, call.services) }) {
            throw .field("/blueprint", "choice", "\(wrong.quoted) is no blueprint's name")
        }
        ownerEmail = try query.email("owner_email")
        beginnings = try query.search().map { EmailAddress.beginnings($0) + [DomainName.ascii(beginning: $0)] }
    }

    /// A tenant may be of one whose file is gone.
    private static func isKnown(blueprint name: String, _ services: Services) -> Bool {
        services.shared(Blueprints.self)[name] != nil
            || services.fleet.roster.allTenants.contains { $0.blueprint == name }
    }

    /// Several values stand between commas.
    private static func values(_ query: Query, _ name: String, of known: [String]?) throws(Refusal) -> Set<String>? {
        guard let text = query[name] else { return nil }
        let values = Set(text.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
        if let known, !values.isSubset(of: known) {
            throw .field("/\(name)", "choice", "must be of \(known.joined(separator: ", "))")
        }
        return values
    }

    var isPlain: Bool {
        order == .name && !isDescending && states == nil && tiers == nil && blueprints == nil && ownerEmail == nil
            && beginnings == nil
    }

    /// Whether its order is by what is counted where a tenant is served.
    var isByFigures: Bool { order == .size || order == .lastRequest }

    func cursor(behind row: Row) -> String { seal.seal([UInt8](places: row.key) + Array(row.record.slug.utf8)) }

    /// One more than a page, where there are more.
    func rows(
        of tenants: [TenantRecord], stateOf: (TenantRecord) -> String, sizeOf: (TenantRecord) -> Int64,
        lastRequestOf: (TenantRecord) -> Timestamp?
    ) -> [Row] {
        var found: [Row] = []
        for record in tenants where matches(record, stateOf) {
            var row = Row(record)
            row.key =
                switch order {
                case .name: 0
                case .created: record.profile.createdAt.milliseconds
                // Who was never asked for anything is before all that were.
                case .lastRequest: lastRequestOf(record)?.milliseconds ?? 0
                case .size: sizeOf(record)
                }
            if let after, !comes(after, before: row) { continue }
            found.append(row)
        }
        found.sort { comes(Place(key: $0.key, slug: $0.record.slug), before: $1) }
        return Array(found.prefix(limit + 1))
    }

    private func comes(_ place: Place, before row: Row) -> Bool {
        let (first, second) = ((place.key, place.slug), (row.key, row.record.slug))
        return isDescending ? first > second : first < second
    }

    private func matches(_ record: TenantRecord, _ stateOf: (TenantRecord) -> String) -> Bool {
        let profile = record.profile
        if let tiers, !tiers.contains(profile.tier.rawValue) { return false }
        if let blueprints, !blueprints.contains(profile.blueprint) { return false }
        if let ownerEmail, profile.ownerEmail != ownerEmail { return false }
        if let states, !states.contains(stateOf(record)) { return false }
        guard let beginnings else { return true }
        let names = [profile.slug, record.id.text, profile.ownerEmail.lowercased()] + profile.domains
        return names.contains { name in beginnings.contains { name.hasPrefix($0) } }
    }
}
