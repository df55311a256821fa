import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct PeriodMigrationTests {
    @Test("W9 W3 services of the schema before go on from their activation: what they missed is charged, once")
    func migration() throws {
        let folder = try TestFolder()
        let clock = ManualClock(try #require(Timestamp(parsing: "2026-04-10T00:00:00Z")))
        let old = TenantSchema(
            migrations: Array(TenantSchema.app.migrations.prefix(13)),
            readProjections: TenantSchema.app.readProjections, housekeep: { _ in },
            examine: TenantSchema.app.examine)
        let before = try TestNode(folder.file("data"), clock: clock, schema: old)
        _ = try before.create("rent")
        before.stop()
        let path = try #require(DataFolder.tenantFiles(folder.file("data")).first)
        // Activated on 31 January at ten: monthly, hourly, suspended, ending with its term, and one that waits.
        try DataFolder.edit(path) { try $0.execute(Self.services) }
        let node = try TestNode(folder.file("data"), clock: clock, seed: 2)
        let rent = Rent(folder: folder, node: node, record: try node.tenant("rent"), resellers: [1])
        defer { node.stop() }
        #expect(try rent.service("svc_1").anchorAt?.text == "2026-01-31T10:00:00.000Z")
        #expect(try rent.service("svc_3").suspendedBy == .operator)
        #expect(try rent.service("svc_4").endedBy == .operator)
        try rent.topUp(1_000_000)
        try rent.runDue()
        #expect(try rent.renewals("svc_1").map { $0.prefix(10) } == ["2026-02-28", "2026-03-31"])
        // Sixty-eight days and fourteen hours: a charge for each whole day.
        #expect(try rent.service("svc_2").period == 68)
        #expect(try (3...5).map { try rent.service("svc_\($0)").state } == [.suspended, .cancelled, .pending])
        let verified = try rent.verifies().findings.filter { $0.table == "service" || $0.table == "renewal" }
        #expect(verified.isEmpty, "\(verified)")
    }

    private static let services = """
        PRAGMA foreign_keys = OFF;
        INSERT INTO reseller (id, public_id, email, name, state, limit_requests, limit_window, limit_burst, created_at)
            VALUES (1, 'res_1', 'a@example.com', 'A', 1, 1000, 60, 1000, 1);
        INSERT INTO product (id, sku, name, fulfilment, hidden, created_at, updated_at)
            VALUES (1, 'room', 'Room', 'instant', 0, 1, 1);
        INSERT INTO customer (id, public_id, book, reseller_id, external_id, created_at)
            VALUES (1, 'cus_1', 0, 1, 'c', 1);
        INSERT INTO posting (id, book, kind, reseller_id, reference, at, key_id)
            VALUES (1, 0, 'order', 1, 'ord_1', 1, 1);
        INSERT INTO orders (id, public_id, book, reseller_id, customer_id, product_id, term, quantity, term_price,
            discount_rate, line_total, setup_total, wholesale_total, state, posting_id, key_id, created_at)
            VALUES (1, 'ord_1', 0, 1, 1, 1, 'monthly', 1, 5000000, 0, 5000000, 0, 5000000, 'completed', 1, 1, 1);
        INSERT INTO holding (reseller_id, product_id, book, units) VALUES (1, 1, 0, 5);
        INSERT INTO service (id, public_id, book, order_id, reseller_id, customer_id, product_id, term, term_price,
            discount_rate, state, anchor_day, created_at, activated_at, renews_at, ends_at)
        VALUES
            (1, 'svc_1', 0, 1, 1, 1, 1, 'monthly', 5000000, 0, 'active', 31, 1, 1769853600000, 1772272800000, NULL),
            (2, 'svc_2', 0, 1, 1, 1, 1, 'hourly', 5000000, 0, 'active', 31, 1, 1769853600000, 1769940000000, NULL),
            (3, 'svc_3', 0, 1, 1, 1, 1, 'monthly', 5000000, 0, 'suspended', 31, 1, 1769853600000, 1772272800000, NULL),
            (4, 'svc_4', 0, 1, 1, 1, 1, 'monthly', 5000000, 0, 'active', 31, 1, 1769853600000, NULL, 1772272800000),
            (5, 'svc_5', 0, 1, 1, 1, 1, 'monthly', 5000000, 0, 'pending', 31, 1, NULL, NULL, NULL);
        PRAGMA wal_checkpoint(TRUNCATE);
        """
}
