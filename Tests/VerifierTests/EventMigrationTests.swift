import HTTPCore
import SQLite
import TenantApp
import TenantRegistry
import TestTenants
import Testing

@Suite struct EventMigrationTests {
    /// Events as files of the schema before have them: of two orders' lives, of objects of every kind, of none that is
    /// named, and one whose data is damaged.
    private static let events: [(type: String, data: String)] = [
        ("order.created", #"{"order_id":"ord_1","product":"vps","quantity":1,"wholesale_total":"5.00"}"#),
        ("service.activated", #"{"service_id":"svc_1","order_id":"ord_1","renews_at":null}"#),
        ("service.suspended", #"{"service_id":"svc_1","order_id":"ord_1","renews_at":null}"#),
        ("balance.low", #"{"balance":"1.00","threshold":"2.00"}"#),
        ("reseller.suspended", #"{"reseller":"res_1"}"#),
        ("webhook.test", #"{"webhookId":"whe_1","name":"a \"name\""}"#),
        ("webhook.test", "{}"),
        ("order.rejected", "{"),
    ]

    @Test("H1 events of the schema before get a body, an object and its revisions, and rows say how many there were")
    func migration() throws {
        let folder = try TestFolder()
        let old = TenantSchema(
            migrations: Array(TenantSchema.app.migrations.prefix(13)),
            readProjections: TenantSchema.app.readProjections, housekeep: { _ in },
            examine: TenantSchema.app.examine)
        let before = try TestNode(folder.file("data"), schema: old)
        _ = try before.create("shop")
        before.stop()
        let path = try #require(DataFolder.tenantFiles(folder.file("data")).first)
        try DataFolder.edit(path) { connection in
            try connection.execute(
                """
                INSERT INTO product (id, sku, name, fulfilment, created_at, updated_at)
                    VALUES (1, 'vps', 'VPS', 'instant', 1, 1);
                INSERT INTO reseller (id, public_id, email, name, state, limit_requests, limit_window, limit_burst,
                    created_at) VALUES (1, 'res_1', 'a@example.com', 'A', 1, 1000, 60, 1000, 1);
                INSERT INTO customer (id, public_id, book, reseller_id, external_id, created_at)
                    VALUES (1, 'cus_1', 0, 1, 'c-1', 1);
                INSERT INTO posting (id, book, kind, reseller_id, reference, at, key_id)
                    VALUES (1, 0, 'order', 1, 'ord_1', 1, 1);
                INSERT INTO webhook_endpoint (id, public_id, reseller_id, book, url, events, created_at)
                    VALUES (1, 'whe_1', 1, 0, 'https://a.example/', 'order.created', 1);
                INSERT INTO orders (id, public_id, book, reseller_id, customer_id, product_id, term, quantity, term_price,
                    discount_rate, line_total, setup_total, wholesale_total, state, posting_id, key_id, created_at)
                    VALUES (1, 'ord_1', 0, 1, 1, 1, 'monthly', 1, 5000000, 0, 5000000, 0, 5000000, 'completed', 1, 1, 1);
                INSERT INTO service (id, public_id, book, order_id, reseller_id, customer_id, product_id, term, term_price,
                    discount_rate, state, anchor_day, created_at)
                    VALUES (1, 'svc_1', 0, 1, 1, 1, 1, 'monthly', 5000000, 0, 'suspended', 1, 1);
                """)
            for (number, event) in Self.events.enumerated() {
                try connection.run(
                    """
                    INSERT INTO event (id, public_id, book, reseller_id, type, at, data)
                    VALUES (?1, ?2, 0, 1, ?3, 1774175400007, ?4)
                    """, .int(number + 1), .text("evt_\(number + 1)"), .text(event.type), .text(event.data))
            }
            try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        }
        let node = try TestNode(folder.file("data"), seed: 2)
        defer { node.stop() }
        let rows = try node.read(node.tenant("shop")) { tenant in
            try tenant.connection.rows("SELECT object, revision, body FROM event ORDER BY id") {
                try (object: $0.text(), revision: $0.int(), body: $0.text())
            }
        }
        #expect(rows.map(\.object) == ["ord_1", "svc_1", "svc_1", "res_1", "res_1", "whe_1", "res_1", "res_1"])
        #expect(rows.map(\.revision) == [1, 1, 2, 1, 2, 1, 3, 4])
        let head = #","timestamp":"2026-03-22T10:30:00.007Z","data":{"id":"#
        #expect(
            rows[2].body == #"{"type":"service.suspended""# + head
                + #""svc_1","service_id":"svc_1","order_id":"ord_1","renews_at":null,"revision":2}}"#)
        #expect(rows[6].body == #"{"type":"webhook.test""# + head + #""res_1","revision":3}}"#)
        #expect(rows[7].body == "")
        for row in rows.dropLast() {
            let body = try JSON.parse(Array(row.body.utf8))
            #expect(body["data"]?["revision"] == .number(JSONNumber(row.revision)))
        }
        let revisions = try node.read(node.tenant("shop")) { tenant in
            try ["orders", "service", "reseller", "webhook_endpoint"].map { table in
                try tenant.connection.row(dynamic: "SELECT revision FROM \(table) WHERE id = 1") { try $0.int() }
            }
        }
        #expect(revisions == [1, 2, 4, 1])
        // Only what was damaged before is found.
        let report = try Verifier(path: folder.copy(node.export(node.tenant("shop")), to: "after.sqlite")).run()
        let found = report.findings.filter { $0.invariant == .outbox }
        #expect(found.map(\.row) == [8, 8, 7], "\(report.text)")
    }
}
