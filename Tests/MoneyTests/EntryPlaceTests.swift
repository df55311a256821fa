import SQLite
import TenantRegistry
import Testing

@testable import TenantApp

/// Where entries are looked for (0056).
@Suite struct EntryPlaceTests {
    /// Three postings; the second has its entries elsewhere, and the third one more than it should.
    private static func file() throws -> Connection {
        let connection = try Connection(path: ":memory:", flags: [.readWrite, .create])
        for migration in TenantSchema.app.migrations { try connection.execute(migration.sql) }
        try connection.execute(
            """
            INSERT INTO ledger_account (id, book, kind, reseller_id) VALUES (1, 0, 'sales', 0);
            INSERT INTO posting (id, book, kind, reseller_id, reference, at, key_id)
                VALUES (1, 0, 'order', 1, 'a', 0, 0), (2, 0, 'order', 1, 'b', 0, 0), (3, 0, 'order', 1, 'c', 0, 0);
            INSERT INTO entry (id, posting_id, account_id, amount, balance_after) VALUES (1, 1, 1, -5, 0),
                (2, 1, 1, 5, 0), (3, 3, 1, 1, 0), (5, 3, 1, -7, 0), (6, 3, 1, 7, 0), (90, 2, 1, -6, 0), (91, 2, 1, 6, 0)
            """)
        return connection
    }

    @Test("O5 a posting's entries are those that name it, wherever they stand")
    func places() throws {
        let connection = try Self.file()
        defer { connection.close() }
        for posting in Int64(0)...46 {
            let sought = try connection.rows(
                dynamic: "SELECT id FROM entry WHERE \(EntryPlaces.of("?1")) ORDER BY id", [.integer(posting)]
            ) { try $0.int() }
            let named = try connection.rows(
                "SELECT id FROM entry WHERE +posting_id = ?1 ORDER BY id", .integer(posting)
            ) { try $0.int() }
            #expect(sought == named)
        }
        let amounts = try connection.rows(
            dynamic: "SELECT \(EntryPlaces.amount(of: "p.id")) FROM posting p ORDER BY p.id"
        ) { try $0.int() }
        #expect(amounts == [5, 6, 7])
    }

    @Test("O14 an index leads to a posting's entries, and names none that stand where they should")
    func plan() throws {
        let connection = try Self.file()
        defer { connection.close() }
        let plan = try connection.rows(
            dynamic: "EXPLAIN QUERY PLAN SELECT amount FROM entry e WHERE \(EntryPlaces.of("?1", "e"))", [.integer(1)]
        ) { row in
            row.skip(3)
            return try row.text()
        }
        #expect(plan.contains { $0.contains("entry_by_posting") } && !plan.contains { $0.hasPrefix("SCAN") })
        let named = try connection.rows(
            "SELECT id FROM entry INDEXED BY entry_by_posting WHERE posting_id <> (id + 1) / 2 ORDER BY id"
        ) { try $0.int() }
        #expect(named == [3, 90, 91])
    }
}
