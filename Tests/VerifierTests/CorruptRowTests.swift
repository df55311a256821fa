import CallKit
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// A row that cannot be read takes nothing with it but the call that reads it.
@Suite("Corrupt rows")
struct CorruptRowTests {
    /// A shop that has traded, whose file and registry were then changed by other hands.
    final class Changed {
        let folder: TestFolder
        let node: TestNode
        let shop: Shop
        let other: TenantRecord

        init(tenant sql: String = "", registry: String = "") throws {
            folder = try TestFolder()
            let before = try TestNode(folder.file("data"))
            let shop = try Shop.open(before)
            try shop.trade()
            let id = shop.record.id
            try before.create("other")
            before.stop()
            let path = try #require(DataFolder.tenantFiles(folder.file("data")).first { $0.contains(id.text) })
            try DataFolder.tamper(path, sql, ignoringRules: true)
            try DataFolder.tamperRegistry(folder.file("data"), registry, ignoringRules: true)
            node = try TestNode(folder.file("data"), seed: 2)
            other = try node.tenant("other")
            let record = try #require(node.fleet.roster.tenant(id: id))
            self.shop = Shop(node: node, record: record, resellerIDs: shop.resellerIDs)
        }

        func findings() throws -> [String] {
            let path = try folder.copy(node.export(shop.record), to: "export.sqlite")
            return try Verifier(path: path).run().findings.map { "\($0.place): \($0.text)" }
        }

        deinit { node.stop() }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let change: String
        let log: String
        let finding: String
        let reads: @Sendable (TenantReader) throws -> Void
        let neighbour: @Sendable (TenantReader) throws -> Void

        var testDescription: String { log }
    }

    private static func order(_ id: Int64) -> @Sendable (TenantReader) throws -> Void {
        { tenant in
            let publicID = try tenant.connection.row("SELECT public_id FROM orders WHERE id = ?1", .integer(id)) {
                try $0.text()
            }
            _ = try #require(try tenant.order(publicID: publicID ?? "", resellerID: nil, book: nil))
        }
    }

    private static func delivery(_ id: Int64) -> @Sendable (TenantReader) throws -> Void {
        { tenant in
            let publicID = try tenant.connection.row("SELECT public_id FROM delivery WHERE id = ?1", .integer(id)) {
                try $0.text()
            }
            _ = try #require(try tenant.delivery(publicID: publicID ?? ""))
        }
    }

    private static func stored(_ key: String) -> @Sendable (TenantReader) throws -> Void {
        { tenant in
            let key = try #require(IdempotencyKey(key))
            let found = try [1, 2].compactMap { scope in
                try tenant.storedAnswer(for: IdempotencyClaim(key, scope: scope, book: .live, fingerprint: .zero))
            }
            #expect(found.count == 1)
        }
    }

    static let cases = [
        Case(
            change: "UPDATE orders SET book = 9 WHERE id = 1", log: "orders id 1, column book: 9 means nothing",
            finding: "orders 1: Its column book cannot be read: 9 means nothing.", reads: order(1), neighbour: order(2)),
        Case(
            change: "UPDATE orders SET term = 'weekly' WHERE id = 2", log: "orders id 2, column term: it means nothing",
            finding: "orders 2: Its column term cannot be read: it means nothing.", reads: order(2), neighbour: order(1)
        ),
        Case(
            change: "UPDATE service SET state = 'lost' WHERE id = 1",
            log: "service id 1, column state: it means nothing",
            finding: "service 1: Its column state cannot be read: it means nothing.",
            reads: { _ = try $0.services(ofOrder: 1) }, neighbour: { _ = try $0.services(ofOrder: 2) }),
        Case(
            change: "UPDATE product SET fulfilment = 'magic' WHERE id = 1",
            log: "product id 1, column fulfilment: it means nothing",
            finding: "product 1: Its column fulfilment cannot be read: it means nothing.",
            reads: { _ = try $0.knownProduct("instant") }, neighbour: { _ = try $0.knownProduct("manual") }),
        Case(
            change: "UPDATE product SET hidden = 2 WHERE id = 1", log: "product id 1, column hidden: 2 means nothing",
            finding: "product 1: Its column hidden cannot be read: 2 means nothing.",
            reads: { _ = try $0.pricedProduct(sku: "instant", resellerID: 1) },
            neighbour: { _ = try $0.pricedProduct(sku: "manual", resellerID: 1) }),
        Case(
            change: "UPDATE reseller SET state = 7 WHERE id = 1", log: "reseller id 1, column state: 7 means nothing",
            finding: "reseller 1: Its column state cannot be read: 7 means nothing.",
            reads: { _ = try $0.reseller(id: 1) }, neighbour: { _ = try $0.reseller(id: 2) }),
        Case(
            change: "UPDATE account SET role = -1 WHERE id = 1", log: "account id 1, column role: -1 means nothing",
            finding: "account 1: Its column role cannot be read: -1 means nothing.",
            reads: { _ = try $0.account(id: 1) }, neighbour: { _ = try $0.reseller(id: 1) }),
        Case(
            change: "UPDATE posting SET kind = 'gift' WHERE id = 1", log: "posting id 1, column kind: it means nothing",
            finding: "posting 1: Its column kind cannot be read: it means nothing.",
            reads: { _ = try $0.statement(resellerID: 1, book: .live, before: nil, limit: 100) },
            neighbour: { _ = try $0.statement(resellerID: 2, book: .live, before: nil, limit: 100) }),
        Case(
            change: "UPDATE delivery SET type = 'order.lost' WHERE id = 1",
            log: "column type: it means nothing", finding: "Its column type cannot be read: it means nothing.",
            reads: delivery(1), neighbour: delivery(2)),
        Case(
            change: "UPDATE customer SET name = CAST(x'ff' AS TEXT) WHERE id = 1",
            log: "customer id 1, column name: its text is not UTF-8",
            finding: "customer 1: Its column name cannot be read: its text is not UTF-8.",
            reads: { _ = try $0.customer(externalID: "customer-1", resellerID: 1, book: .live) },
            neighbour: { _ = try $0.customer(externalID: "customer-1", resellerID: 2, book: .live) }),
        Case(
            change: "UPDATE idempotency SET fingerprint = x'00' WHERE key = 'second'",
            log: "column fingerprint: it means nothing",
            finding: "Its column fingerprint cannot be read: it means nothing.", reads: stored("second"),
            neighbour: stored("third")),
        Case(
            change: "UPDATE price SET is_enabled = 5 WHERE reseller_id = 2 AND product_id = 1",
            log: "price reseller_id 2, product_id 1, column is_enabled: 5 means nothing",
            finding: "price: Its column is_enabled of reseller_id 2, product_id 1 cannot be read: 5 means nothing.",
            reads: { _ = try $0.priceBook(afterReseller: 1, product: 2, limit: 10) },
            neighbour: { _ = try $0.priceBook(afterReseller: 0, product: 0, limit: 1) }),
        Case(
            change: "INSERT INTO test_price (reseller_id, product_id, is_enabled, updated_at) VALUES (2, 1, 5, 0)",
            log: "column is_enabled: 5 means nothing",
            finding: "test_price: Its column is_enabled of reseller_id 2, product_id 1 cannot be read: 5 means",
            reads: { _ = try $0.pricedProduct(sku: "instant", resellerID: 2, book: .test) },
            neighbour: { _ = try $0.pricedProduct(sku: "instant", resellerID: 2) }),
    ]

    @Test("a bad value fails the call that reads it, alone; log and verify name row and column", arguments: cases)
    func oneCallFails(_ bad: Case) throws {
        let changed = try Changed(tenant: bad.change)
        let record = changed.shop.record
        let error = #expect(throws: LaneFailure.self) { try changed.node.read(record, bad.reads) }
        guard case .corrupt = error else { return #expect(Bool(false), "\(String(describing: error))") }
        try changed.node.read(record, bad.neighbour)
        #expect(changed.node.reports.all.contains { $0.contains("corrupt row: ") && $0.contains(bad.log) })
        // Writes go on: the tenant is neither fenced nor closed.
        try changed.shop.topUp(2, units: 1)
        let findings = try changed.findings()
        #expect(findings.contains { $0.contains(bad.finding) }, "\(findings)")
    }

    @Test("a write that meets a bad row is undone alone, also after it has written; the batch's others commit")
    func writesAroundIt() throws {
        let changed = try Changed(tenant: "UPDATE product SET fulfilment = 'magic' WHERE sku = 'instant'")
        let shop = changed.shop
        let failed = #expect(throws: LaneFailure.self) {
            try shop.node.write(shop.record) { tenant, detail in
                _ = try tenant.post(
                    .topUp, Money(micros: 9), from: .funding, to: .balance(reseller: 1), reference: "x", resellerID: 1,
                    book: .live, keyID: 0, detail: &detail)
                return try tenant.knownProduct("instant").id
            }
        }
        guard case .corrupt = failed else { return #expect(Bool(false), "\(String(describing: failed))") }
        try shop.order(2, "manual")
        let amounts = try shop.node.read(shop.record) {
            try $0.statement(resellerID: 1, book: .live, before: nil, limit: 100).map(\.amount.micros)
        }
        #expect(!amounts.contains(9))
    }

    @Test("a file whose keys and resellers are read anew opens without those that cannot be read")
    func projections() throws {
        let changed = try Changed(
            tenant: """
                UPDATE reseller SET state = 7 WHERE id = 1;
                UPDATE meta SET projection_epoch = projection_epoch + 1;
                """)
        let record = changed.shop.record
        let told = try changed.node.read(record) { tenant in
            try tenant.allProjections(corrupt: { _ in }).compactMap { change -> Int64? in
                guard case .reseller(let reseller) = change else { return nil }
                return reseller.resellerID
            }
        }
        #expect(told == [2])
        #expect(changed.node.reports.all.contains { $0.contains("reseller id 1, column state: 7 means nothing") })
    }

    @Test("the registry starts without a row that it cannot read, and says which; the tenant's file tells it again")
    func registry() throws {
        let changed = try Changed(registry: "UPDATE reseller SET state = 9 WHERE reseller_id = 1")
        let record = changed.shop.record
        // Behind what the start has queued.
        try changed.node.read(record) { _ = try $0.reseller(id: 1) }
        #expect(
            changed.node.reports.all.contains {
                $0.hasPrefix("registry: corrupt row: reseller reseller_id 1") && $0.contains("9 means nothing")
            })
        #expect(changed.node.fleet.roster.reseller(1, of: record.id)?.projection.state == .active)
    }

    @Test("every column with few values has a rule, which refuses what is none of them")
    func rules() throws {
        let connection = try Connection(path: ":memory:", flags: [.readWrite, .create])
        defer { connection.close() }
        try Migrator.migrate(connection, TenantSchema.app.migrations)
        let tables = try connection.rows(
            """
            SELECT t.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
            WHERE t.type = 'table' AND c.name = 'book' AND t.name <> 'audit' ORDER BY 1
            """
        ) { try $0.text() }
        // Tables that are younger than the rules bring theirs with them.
        let ruled = try connection.rows(
            """
            SELECT name FROM sqlite_schema WHERE type = 'table'
                AND (sql LIKE '%book BETWEEN 0 AND 1%' OR sql LIKE '%book IN (0, 1)%') ORDER BY 1
            """
        ) { try $0.text() }
        #expect(tables == ruled)
        let error = #expect(throws: SQLiteError.self) {
            try connection.execute(
                "INSERT INTO account (email, name, role, created_at) VALUES ('a', 'a', 3, 0)")
        }
        #expect(error?.isConstraint == true)
        for kind in PostingKind.allCases {
            try connection.run(
                """
                INSERT INTO posting (book, kind, reseller_id, reference, at, key_id) VALUES (0, ?1, 0, 'r', 0, 0)
                """, .text(kind.rawValue))
        }
        for (book, kind) in [(2, "order"), (0, "gift")] {
            #expect(throws: SQLiteError.self) {
                try connection.run(
                    """
                    INSERT INTO posting (book, kind, reseller_id, reference, at, key_id) VALUES (?1, ?2, 0, 'r', 0, 0)
                    """, .int(book), .text(kind))
            }
        }
    }

    @Test("P5 every CHECK is found in its table's text, whatever stands in it, and can be asked of the rows")
    func clauses() throws {
        let connection = try Connection(path: ":memory:", flags: [.readWrite, .create])
        defer { connection.close() }
        try Migrator.migrate(connection, TenantSchema.app.migrations)
        let tables = try connection.rows(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%CHECK%'"
        ) { row in (name: try row.text(), sql: try row.text()) }
        for table in tables {
            let clauses = CheckClauses.of(table.sql)
            #expect(clauses.count == table.sql.ranges(of: "CHECK").count, "\(table)")
            for clause in clauses {
                let broken = try connection.row(dynamic: "SELECT 1 FROM \(table.name) WHERE NOT \(clause)") { _ in true
                }
                #expect(broken == nil, "\(table.name): \(clause)")
            }
        }
        let text = """
            CREATE TABLE t (a INTEGER CHECK (a > 0), -- it's no CHECK (b
                b TEXT CHECK (b = 'it''s (' OR (b = 'CHECK (')), "CHECK (" TEXT)
            """
        #expect(CheckClauses.of(text) == ["(a > 0)", "(b = 'it''s (' OR (b = 'CHECK ('))"])
    }

    @Test(
        "B1 verify names the row that breaks a rule of the schema, and the table whose one row is missing",
        arguments: [
            ("UPDATE service SET ends_for_reseller = 2", "service"), ("UPDATE usage_mark SET id = 7", "usage_mark"),
            ("UPDATE product_revision SET n = 281474976710656", "product_revision"),
            ("DELETE FROM product_revision", "product_revision"),
        ])
    func brokenRules(_ change: String, _ table: String) throws {
        let findings = try Changed(tenant: change).findings()
        #expect(findings.contains { $0.hasPrefix(table) }, "\(findings)")
    }

    @Test("a file of the schema before with a bad row in it is migrated, and keeps the row for whoever mends it")
    func migratesBadRows() throws {
        let connection = try Connection(path: ":memory:", flags: [.readWrite, .create])
        defer { connection.close() }
        try Migrator.migrate(connection, Array(TenantSchema.app.migrations.prefix(6)))
        try connection.execute("INSERT INTO account (email, name, role, created_at) VALUES ('a', 'a', 9, 0)")
        #expect(try Migrator.migrate(connection, TenantSchema.app.migrations).first == 7)
        #expect(throws: SQLiteError.self) { try connection.execute("UPDATE account SET role = 8") }
        try connection.execute("UPDATE account SET name = 'b'; UPDATE account SET role = 2")
        #expect(try connection.integrityCheck().isEmpty)
    }
}
