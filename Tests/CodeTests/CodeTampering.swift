import CallKit
import Cryptography
import SQLite
import TenantApp
import TenantRegistry
import TestTenants
import Testing

@Suite struct CodeTampering {
    @Test(
        "G5 a change of codes, of who redeemed them or of what they cost, made with an SQLite shell, shows",
        arguments: [
            ("UPDATE code_batch SET unit_price = 1, total = 3 WHERE id = 1", "not as audit row"),
            ("UPDATE code_batch SET total = 1 WHERE id = 1", "are another amount"),
            ("UPDATE activation_code SET code = '00000000000000000000000000000000' WHERE id = 1", "not as audit row"),
            ("UPDATE activation_code SET reseller_id = 2, number = 9 WHERE id = 2", "there are 2 of it"),
            ("DELETE FROM activation_code WHERE id = 3", "changed, or missing"),
            ("UPDATE activation_code SET redeemed_at = NULL", "marked as if it were available"),
            ("UPDATE activation_code SET redeemed_at = 5 WHERE id = 3", "there is no redemption of it"),
            ("UPDATE code_redemption SET subscriber_id = 2 WHERE id = 1", "not as audit row"),
            ("UPDATE code_redemption SET ends_at = ends_at + 86400000 WHERE id = 2", "another time than the 30 days"),
            ("UPDATE subscriber SET ends_at = ends_at + 1 WHERE id = 1", "ends at another time"),
            ("UPDATE code_block SET redeemed = redeemed + 1", "does not count the codes"),
            ("UPDATE topup_total SET total = total + 1", "come to another total"),
            (
                "INSERT INTO activation_code (batch_id, book, reseller_id, number, code) VALUES (1, 0, 1, 4, 'x')",
                "No audit row vouches"
            ),
        ])
    func harm(sql: String, words: String) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let market = try CodeMarket.open(node)
        try market.topUp(0, 100)
        let codes = try market.generate(0, count: 3)
        try market.redeem(codes[0], by: "a@example.com")
        try market.redeem(codes[1], by: "b@example.com")
        let path = try folder.copy(try node.export(market.record), to: "copy.sqlite")
        #expect(try Verifier(path: path).run().findings == [])
        try DataFolder.tamper(path, sql)
        let texts = try Verifier(path: path).run().findings.map(\.text)
        #expect(texts.contains { $0.contains(words) }, "\(texts)")
    }

    @Test(
        "purchases, codes and redemptions are append-only for SQL too",
        arguments: [
            "UPDATE code_batch SET total = 0", "DELETE FROM code_batch", "UPDATE activation_code SET code = 'x'",
            "UPDATE activation_code SET redeemed_at = 5", "DELETE FROM activation_code",
            "UPDATE code_redemption SET at = 0", "DELETE FROM code_redemption",
        ])
    func appendOnly(sql: String) throws {
        try CodeMarket.open { market in
            try market.topUp(0, 1)
            try market.redeem(try market.generate(0)[0], by: "a@example.com")
            #expect(throws: (any Error).self) {
                try market.node.write(market.record) { tenant, _ in try tenant.connection.execute(sql) }
            }
        }
    }
}

@Suite struct CodeMigration {
    @Test("A3 a file of the schema before has its top-ups counted when it is opened")
    func topUps() throws {
        let connection = try Connection(path: ":memory:", flags: [.readWrite, .create])
        defer { connection.close() }
        let migrations = TenantSchema.app.migrations
        for migration in migrations where migration.version < 4 { try connection.execute(migration.sql) }
        try connection.execute(
            """
            INSERT INTO ledger_account VALUES (1, 0, 'funding', 0, -30), (2, 0, 'balance', 7, 25), (3, 0, 'sales', 0, 5);
            INSERT INTO posting VALUES (1, 0, 'top_up', 7, 'a', 1, 0), (2, 0, 'top_up', 7, 'b', 2, 0),
                (3, 0, 'order', 7, 'c', 3, 0);
            INSERT INTO entry VALUES (1, 1, 1, -10, -10), (2, 1, 2, 10, 10), (3, 2, 1, -20, -30), (4, 2, 2, 20, 30),
                (5, 3, 2, -5, 25), (6, 3, 3, 5, 5);
            """)
        for migration in migrations where migration.version == 4 { try connection.execute(migration.sql) }
        let totals = try connection.rows("SELECT reseller_id, book, total FROM topup_total") {
            try [$0.int(), $0.int(), $0.int()]
        }
        #expect(totals == [[7, 0, 30]])
    }
}
