import CallKit
import Cryptography
import TenantRegistry
import TestTenants
import Testing

@testable import SQLite
@testable import TenantApp

/// Deliveries of every kind, and what a plain filter over all of them says.
@Suite struct DeliveryListTests {
    private static let types: [EventType] = [.orderCreated, .serviceActivated, .balanceLow]
    private static let statuses: [Int64?] = [nil, 200, 204, 404, 429, 500, 503]

    /// Of two resellers in both books, at few instants, so that many fall together.
    private static func fill(_ office: PostOffice, _ count: Int) throws -> [Int64] {
        let (shop, start) = (office.shop, TestNode.start.milliseconds)
        return try office.write { tenant in
            let random = SeededRandom(seed: 11)
            var endpoints: [WebhookEndpoint] = []
            for reseller in shop.resellerIDs {
                for (name, book) in [("a", Book.live), ("b", .live), ("c", .test)] {
                    endpoints.append(
                        try tenant.insertWebhookEndpoint(
                            name: name, url: "https://example.com/", events: ["order.created"], resellerID: reseller,
                            book: book))
                }
            }
            for number in 0..<count {
                let endpoint = endpoints[Int(random.below(UInt64(endpoints.count)))]
                let type = types[Int(random.below(3))]
                let at = start + Int64(random.below(40)) * 1_000
                try tenant.connection.run(
                    """
                    INSERT INTO event (public_id, book, reseller_id, type, at, object, revision, body)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?1, 1, '{}')
                    """,
                    .text("evt_\(number)"), .book(endpoint.book), .integer(endpoint.resellerID), .text(type.rawValue),
                    .integer(at))
                let state = DeliveryState.allCases[Int(random.below(5))]
                try tenant.connection.run(
                    """
                    INSERT INTO delivery (public_id, event_id, endpoint_id, book, type, state, created_at, next_at,
                        last_status, updated_at, reseller_id)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?7, ?10)
                    """,
                    .text("dlv_\(number)"), .integer(tenant.connection.lastInsertedRowID), .integer(endpoint.id),
                    .book(endpoint.book), .text(type.rawValue), .text(state.rawValue), .integer(at),
                    state == .pending ? .integer(at) : .null, .optional(statuses[Int(random.below(7))]),
                    .integer(endpoint.resellerID))
            }
            return endpoints.map(\.id)
        }
    }

    private typealias Change = @Sendable (inout DeliveryFilter) -> Void

    private static func changes(_ office: PostOffice, _ endpoints: [Int64]) -> [(name: String, change: Change)] {
        let (resellers, start) = (office.shop.resellerIDs, TestNode.start)
        return [
            ("one reseller", { $0.resellerID = resellers[1] }),
            ("endpoint", { $0.endpointID = endpoints[1] }),
            ("endpoint of the other book", { $0.endpointID = endpoints[2] }),
            ("one state", { $0.states = [.dead] }),
            ("several states", { $0.states = [.pending, .held, .delivered] }),
            ("one type", { $0.types = [.balanceLow] }),
            ("several types", { $0.types = [.balanceLow, .orderCreated] }),
            ("2xx", { $0.statusClass = 2 }), ("5xx", { $0.statusClass = 5 }), ("3xx", { $0.statusClass = 3 }),
            ("since", { $0.since = start.adding(seconds: 17) }),
            ("until", { $0.until = start.adding(seconds: 23) }),
            ("event", { $0.eventID = 77 }),
            ("test", { $0.book = .test }),
        ]
    }

    @Test("O7 each filter of deliveries alone, and any two, give what a plain filter over all gives, page by page")
    func filters() throws {
        let office = try PostOffice.open()
        defer { office.node.stop() }
        let endpoints = try Self.fill(office, 1_500)
        let all = try office.read { tenant in
            try Book.allCases.flatMap { book in
                try tenant.deliveries(DeliveryFilter(book: book), before: .newest, limit: .max)
            }
        }
        #expect(all.count == 1_500)
        #expect(try office.read { try $0.connection.row("SELECT count(*) FROM delivery") { try $0.int() } } == 1_500)
        let changes = Self.changes(office, endpoints)
        for first in changes {
            for second in changes {
                var filter = DeliveryFilter(book: .live)
                first.change(&filter)
                second.change(&filter)
                let wanted = all.filter { Self.takes(filter, $0) }.sorted { $0.place > $1.place }.map(\.id)
                var found: [Int64] = []
                var place = DeliveryPlace.newest
                while true {
                    let (asked, before) = (filter, place)
                    let page = try office.read { try $0.deliveries(asked, before: before, limit: 37) }
                    found += page.map(\.id)
                    guard page.count == 37, let last = page.last else { break }
                    place = last.place
                }
                #expect(found == wanted, "\(first.name), \(second.name)")
            }
        }
    }

    /// The plain filter, by itself.
    private static func takes(_ filter: DeliveryFilter, _ row: Delivery) -> Bool {
        if row.book != filter.book { return false }
        if let reseller = filter.resellerID, row.resellerID != reseller { return false }
        if let endpoint = filter.endpointID, row.endpointID != endpoint { return false }
        if let event = filter.eventID, row.eventPublicID != "evt_\(event - 1)" { return false }
        if !filter.states.isEmpty, !filter.states.contains(row.state) { return false }
        if !filter.types.isEmpty, !filter.types.contains(row.type) { return false }
        if let statusClass = filter.statusClass, (row.lastStatus ?? 0) / 100 != statusClass { return false }
        if let since = filter.since, row.createdAt < since { return false }
        if let until = filter.until, row.createdAt >= until { return false }
        return true
    }

    @Test("O7 no list of deliveries reads a table through or sorts one")
    func plans() throws {
        let office = try PostOffice.open()
        defer { office.node.stop() }
        let statements = [DeliveryScope.endpoint(1), .reseller(1, .live), .book(.live)].flatMap { scope in
            [
                DeliveryLists.nextClass(scope), DeliveryLists.nextType(scope),
                DeliveryLists.stretch(scope, isDescending: true), DeliveryLists.stretch(scope, isDescending: false),
            ]
        }
        for statement in statements + [Delivery.byID, ClaimedDelivery.due, ClaimedDelivery.news] {
            let text = statement.text.string
            let bound = Set(text.split(separator: "?").dropFirst().map { $0.prefix { $0.isNumber } }).count
            let plan = try office.read { tenant in
                try tenant.connection.rows(
                    dynamic: "EXPLAIN QUERY PLAN \(text)", [SQLValue](repeating: .integer(1), count: bound)
                ) { row in
                    row.skip(3)
                    return try row.text()
                }
            }
            #expect(!plan.isEmpty)
            #expect(!plan.contains { $0.contains("SCAN") || $0.contains("TEMP B-TREE") }, "\(text): \(plan)")
        }
    }

    @Test("H4 a replay requeues just what it counts, in order, and nothing that came after it began")
    func replays() throws {
        let office = try PostOffice.open()
        defer { office.node.stop() }
        _ = try Self.fill(office, 1_500)
        office.pass(seconds: 3_600)
        let reseller = office.reseller
        for (states, types) in [
            (Set<DeliveryState>(), Set<EventType>()), ([.dead], []), ([.held, .dead], [.balanceLow]), ([.pending], []),
        ] {
            var filter = DeliveryFilter(book: .live, resellerID: reseller)
            (filter.states, filter.types) = (states, types)
            filter.since = TestNode.start.adding(seconds: 5)
            let asked = filter
            let counted = try office.read { tenant in
                var replay = try ReplayDeliveries(asked, tenant)
                while !replay.isOver { try replay.advance(tenant, nil) }
                return replay.count
            }
            let before = try office.deliveries().filter { row in
                row.createdAt >= TestNode.start.adding(seconds: 5) && row.state != .dropped
                    && (types.isEmpty || types.contains(row.type))
                    && (states.isEmpty ? row.state != .pending : states.contains(row.state))
            }
            #expect(counted == before.count)
            office.pass(seconds: 1)
            let now = office.node.clock.now()
            #expect(try office.replay(filter) == counted)
            let requeued = try office.deliveries().filter { $0.nextAt == now }
            #expect(Set(requeued.map(\.id)) == Set(before.map(\.id)))
        }
    }
}
