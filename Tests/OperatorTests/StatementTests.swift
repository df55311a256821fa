import CallKit
import SQLite
import TenantApp
import TenantRegistry
import TestTenants
import Testing

/// Lists of one reseller among others: what it owes and holds is all there, in order, page by page, and nobody else's.
@Suite struct StatementTests {
    private static let pageRows = 3

    private static func withTrade(_ test: (Shop) throws -> Void) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let shop = try Shop.open(node)
        for reseller in shop.resellerIDs { try shop.topUp(reseller, units: 1_000) }
        // Taken in turn, so that no reseller's rows lie together.
        for quantity in 1...4 {
            for reseller in shop.resellerIDs { try shop.order(reseller, quantity: Int64(quantity)) }
        }
        try shop.order(shop.resellerIDs[0], book: .test)
        try test(shop)
    }

    /// Every page, each from the cursor that the one before gave.
    private func pages<Row>(_ read: (_ cursor: Int64?) throws -> [Row], id: (Row) -> Int64) throws -> [Row] {
        var rows: [Row] = []
        while true {
            let page = try read(rows.last.map(id))
            rows += page
            if page.count < Self.pageRows { return rows }
        }
    }

    @Test(
        "O5 a statement gives each movement once, newest first, over pages, each balance following from the one before")
    func statement() throws {
        try Self.withTrade { shop in
            for reseller in shop.resellerIDs {
                let rows = try pages(
                    { cursor in
                        try shop.node.read(shop.record) {
                            try $0.statement(resellerID: reseller, book: .live, before: cursor, limit: Self.pageRows)
                        }
                    }, id: \.entryID)
                #expect(rows.map(\.kind) == [.order, .order, .order, .order, .topUp])
                #expect(rows.map(\.amount.micros) == [24, 18, 12, 6].map { $0 * -1_000_000 } + [1_000_000_000])
                for (newer, older) in zip(rows, rows.dropFirst()) {
                    #expect(newer.balanceAfter.micros == older.balanceAfter.micros + newer.amount.micros)
                }
            }
            let test = try shop.node.read(shop.record) {
                try $0.statement(resellerID: shop.resellerIDs[0], book: .test, before: nil, limit: 10)
            }
            #expect(test.map(\.amount) == [.zero])
        }
    }

    @Test("O5 a cursor of another reseller's statement, or of none, is refused and shows nothing")
    func foreignCursor() throws {
        try Self.withTrade { shop in
            let node = shop.node
            func statement(_ place: Int, before cursor: Int64?) throws -> [Posting] {
                try node.write(shop.record) { tenant, _ in
                    try tenant.statement(resellerID: shop.resellerIDs[place], book: .live, before: cursor, limit: 10)
                }
            }
            let other = try #require(try statement(1, before: nil).first)
            for cursor in [other.entryID, 0, 1_000_000, .max] {
                #expect(throws: Refusal.badQuery(.unknownCursor)) { try statement(0, before: cursor) }
            }
        }
    }

    @Test("W6 a reseller's services are listed newest first, over pages, without another's and without cancelled ones")
    func services() throws {
        try Self.withTrade { shop in
            for reseller in shop.resellerIDs {
                func all() throws -> [Service] {
                    try pages(
                        { cursor in
                            try shop.node.read(shop.record) {
                                var walk = try SearchWalk(
                                    .services, OrderFilter(book: .live, resellerID: reseller),
                                    below: cursor ?? .max, in: $0)
                                return walk.isAtEnd ? [] : try walk.next(in: $0, Self.pageRows)
                            }
                        }, id: \.id)
                }
                let rows = try all()
                #expect(rows.count == 10 && rows.allSatisfy { $0.resellerID == reseller && $0.book == .live })
                #expect(rows.map(\.id) == rows.map(\.id).sorted(by: >))
                let gone = rows[4]
                try shop.cancel(service: gone.publicID)
                #expect(try all().map(\.id) == rows.map(\.id).filter { $0 != gone.id })
            }
        }
    }

    @Test("O5 a file of the schema before, with movements in it, is migrated and its statements go on where they were")
    func migration() throws {
        let folder = try TestFolder()
        let old = TenantSchema(
            migrations: Array(TenantSchema.app.migrations.prefix(5)), readProjections: TenantSchema.app.readProjections,
            housekeep: { _ in }, examine: TenantSchema.app.examine)
        let before = try TestNode(folder.file("data"), schema: old)
        _ = try before.create("shop")
        before.stop()
        let path = try #require(DataFolder.tenantFiles(folder.file("data")).first)
        try DataFolder.edit(path) {
            try $0.execute(
                """
                INSERT INTO reseller (id, public_id, email, name, state, limit_requests, limit_window, limit_burst,
                    created_at)
                    VALUES (1, 'res_1', 'a@example.com', 'A', 1, 1000, 60, 1000, 1),
                        (2, 'res_2', 'b@example.com', 'B', 1, 1000, 60, 1000, 1);
                INSERT INTO ledger_account (id, book, kind, reseller_id, balance)
                    VALUES (1, 0, 'funding', 0, -6), (2, 0, 'balance', 1, 4), (3, 0, 'balance', 2, 2);
                INSERT INTO posting (id, book, kind, reseller_id, reference, at, key_id)
                    VALUES (1, 0, 'correction', 1, 'a', 1, 0), (2, 0, 'correction', 2, 'b', 2, 0), (3, 0, 'correction', 1, 'c', 3, 0);
                INSERT INTO entry (id, posting_id, account_id, amount, balance_after)
                    VALUES (1, 1, 1, -1, -1), (2, 1, 2, 1, 1), (3, 2, 1, -2, -3), (4, 2, 3, 2, 2), (5, 3, 1, -3, -6),
                        (6, 3, 2, 3, 4);
                PRAGMA wal_checkpoint(TRUNCATE);
                """)
        }
        // As an export of then: it is verified by its own schema. The movements were written by hand, so the audit
        // chain vouches for none of them; nothing else is found.
        func isSound(_ path: String) throws -> Bool {
            try Verifier(path: path).run().findings.allSatisfy { $0.text.contains("vouches") }
        }
        #expect(try isSound(folder.copy(path, to: "before.sqlite")))
        let node = try TestNode(folder.file("data"), seed: 2)
        defer { node.stop() }
        let after = Shop(node: node, record: try node.tenant("shop"), resellerIDs: [1, 2])
        try after.topUp(1, units: 1)
        let rows = try node.read(after.record) {
            try $0.statement(resellerID: 1, book: .live, before: nil, limit: 10)
        }
        #expect(
            rows.map(\.amount.micros) == [1_000_000, 3, 1] && rows.map(\.balanceAfter.micros) == [1_000_004, 4, 1])
        #expect(try isSound(folder.copy(node.export(after.record), to: "after.sqlite")))
    }
}
