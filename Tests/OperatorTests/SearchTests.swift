import CallKit
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// Searches of orders and services (O10, W6): what they find, and how much of the file a step looks at.
@Suite struct SearchTests {
    /// Three thousand services of three orders, and an order of another product, the oldest.
    private static func withMany(_ test: (Shop) throws -> Void) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let shop = try Shop.open(node)
        for reseller in shop.resellerIDs { try shop.topUp(reseller, units: 100_000) }
        try shop.order(shop.resellerIDs[0], "manual")
        for _ in 0..<3 { try shop.order(shop.resellerIDs[0], quantity: 1_000) }
        try test(shop)
    }

    private static func filter(_ change: (inout OrderFilter) -> Void) -> OrderFilter {
        var filter = OrderFilter(book: .live)
        change(&filter)
        return filter
    }

    @Test("O10 a step of a search looks at no more than 1,000 rows, whatever it finds; the next goes on behind them")
    func bounded() throws {
        try Self.withMany { shop in
            try shop.node.read(shop.record) { tenant in
                let rare = Self.filter {
                    $0.resellerID = shop.resellerIDs[0]
                    $0.serviceStates = [.pending]
                }
                var walk = try SearchWalk(.services, rare, below: .max, in: tenant)
                var (steps, found) = (0, [Service]())
                while !walk.isAtEnd {
                    let before = min(walk.place, 3_002)
                    found += try walk.next(in: tenant, 50)
                    steps += 1
                    #expect(walk.isAtEnd || before - walk.place <= 1_000)
                }
                #expect(steps == 4 && found.count == 1 && found[0].sku == "manual")
            }
        }
    }

    @Test("O10 a search goes along an index: of a rare state, product, customer or reference one step finds all")
    func indexed() throws {
        try Self.withMany { shop in
            try shop.node.write(shop.record, "POST /orders") { tenant, detail in
                _ = try PlaceOrder(
                    request: OrderRequest(
                        sku: "instant", term: .monthly, quantity: 1, customerExternalID: "Rare", reference: "Only"),
                    resellerID: shop.resellerIDs[1], book: .live, keyID: 0, idempotencyKey: nil
                ).run(tenant, &detail)
            }
            // Above it, what is common.
            for _ in 0..<2 { try shop.order(shop.resellerIDs[0], quantity: 1_000) }
            let manual = try #require(try shop.node.read(shop.record) { try $0.product(sku: "manual")?.id })
            let filters: [(OrderFilter, String)] = [
                (Self.filter { $0.serviceStates = [.pending] }, "manual"),
                (Self.filter { $0.productID = manual }, "manual"),
                (Self.filter { $0.customer = "Rare" }, "instant"), (Self.filter { $0.reference = "Only" }, "instant"),
                (Self.filter { $0.text = "rar" }, "instant"), (Self.filter { $0.text = "onl" }, "instant"),
                (Self.filter { $0.resellerID = shop.resellerIDs[1] }, "instant"),
            ]
            try shop.node.read(shop.record) { tenant in
                for (filter, sku) in filters {
                    var walk = try SearchWalk(.services, filter, below: .max, in: tenant)
                    let found = try walk.next(in: tenant, 50)
                    #expect(found.map(\.sku) == [sku] && walk.isAtEnd, "\(filter)")
                }
            }
        }
    }

    @Test("O10 orders of a moment are found although the clock was set back between them")
    func clock() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let shop = try Shop.open(node)
        try shop.topUp(shop.resellerIDs[0], units: 1_000)
        let start = node.clock.now()
        for seconds in [Int64(60), 120, 30, 90, 150] {
            node.clock.set(start.adding(seconds: seconds))
            try shop.order(shop.resellerIDs[0])
        }
        try node.read(shop.record) { tenant in
            func times(_ from: Int64, _ to: Int64) throws -> [Int64] {
                let filter = Self.filter {
                    ($0.from, $0.to) = (start.adding(seconds: from), start.adding(seconds: to))
                }
                var walk = try SearchWalk(.orders, filter, below: .max, in: tenant)
                let found = walk.isAtEnd ? [] : try walk.next(in: tenant, 50)
                return found.map { ($0.createdAt.milliseconds - start.milliseconds) / 1_000 }
            }
            let found = [
                try times(60, 121), try times(0, 60), try times(150, 151), try times(151, 1_000_000),
            ]
            #expect(found == [[90, 120, 60], [30], [150], []])
        }
    }

    @Test("O10 customers of the schema before are found without case, beyond ASCII too")
    func migration() throws {
        let folder = try TestFolder()
        let old = TenantSchema(
            migrations: Array(TenantSchema.app.migrations.prefix(22)),
            readProjections: TenantSchema.app.readProjections,
            housekeep: { _ in }, examine: TenantSchema.app.examine)
        let before = try TestNode(folder.file("data"), schema: old)
        _ = try before.create("shop")
        before.stop()
        let path = try #require(DataFolder.tenantFiles(folder.file("data")).first)
        try DataFolder.edit(path) { connection in
            try connection.execute(
                """
                PRAGMA foreign_keys = OFF;
                INSERT INTO reseller (id, public_id, email, name, state, limit_requests, limit_window, limit_burst,
                    created_at) VALUES (1, 'res_1', 'a@example.com', 'A', 1, 1000, 60, 1000, 1);
                INSERT INTO customer (id, public_id, book, reseller_id, external_id, created_at)
                    VALUES (1, 'cus_1', 0, 1, 'GRÜN-7', 1), (2, 'cus_2', 0, 1, 'Abc', 1), (3, 'cus_3', 0, 1, NULL, 1);
                PRAGMA wal_checkpoint(TRUNCATE);
                """)
        }
        let node = try TestNode(folder.file("data"), seed: 2)
        defer { node.stop() }
        let folded = try node.read(try node.tenant("shop")) { tenant in
            try tenant.connection.rows("SELECT external_folded FROM customer ORDER BY id") { try $0.optionalText() }
        }
        #expect(folded == ["grün-7", "abc", nil])
    }
}
