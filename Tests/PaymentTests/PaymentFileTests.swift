import CallKit
import Cryptography
import SQLite
import TenantApp
import TenantRegistry
import TestTenants
import Testing

@Suite struct PaymentFiles {
    @Test(
        "A6 the file itself refuses to change a payment's terms, to decide it twice and to forget it",
        arguments: [
            "UPDATE payment SET amount = amount + 1", "UPDATE payment SET reseller_id = 2",
            "UPDATE payment SET order_id = 'x'", "UPDATE payment SET expires_at = 0", "DELETE FROM payment",
            "UPDATE payment SET state = 'pending', posting_id = NULL, decided_at = NULL WHERE state = 'confirmed'",
            "UPDATE payment SET state = 'failed', posting_id = NULL WHERE state = 'confirmed'",
            "UPDATE payment SET state = 'confirmed' WHERE state = 'failed'",
            "UPDATE payment SET state = 'confirmed', decided_at = 1 WHERE state = 'pending'",
            "UPDATE payment_difference SET amount = '1'", "DELETE FROM payment_difference",
        ])
    func triggers(change: String) throws {
        try withTill { till, folder in
            try Self.fill(till)
            let copy = try folder.copy(till.node.export(till.record), to: "copy.sqlite")
            #expect(throws: SQLiteError.self) { try DataFolder.edit(copy) { try $0.execute(change) } }
        }
    }

    private static let noTriggers =
        "DROP TRIGGER payment_is_append_only_update; DROP TRIGGER payment_is_append_only_decision; "
    private static let noPostingTriggers =
        "DROP TRIGGER posting_is_append_only_update; DROP TRIGGER entry_is_append_only_update; "

    @Test(
        "a payment, or its posting, that was changed with an SQLite shell is found",
        arguments: [
            "UPDATE payment SET amount = amount + 1000000 WHERE state = 'pending'",
            "UPDATE payment SET state = 'failed', posting_id = NULL WHERE id = 1; "
                + "UPDATE payment SET state = 'confirmed', posting_id = (SELECT max(id) FROM posting) WHERE id = 2",
            "UPDATE payment SET state = 'failed', posting_id = NULL WHERE state = 'confirmed'",
            "UPDATE payment SET reseller_id = 2", "UPDATE payment SET driver = 'sandbox'",
            "UPDATE payment SET book = 1 WHERE state = 'confirmed'",
            "INSERT INTO payment SELECT 99, 'pay_x', 'order_x', book, reseller_id, key_id, driver, amount, 'k', created_at, "
                + "expires_at, NULL, NULL, 'pending', NULL, NULL, NULL FROM payment WHERE state = 'pending' LIMIT 1",
            noPostingTriggers + "UPDATE posting SET reference = 'elsewhere' WHERE kind = 'top_up'",
            noPostingTriggers + "UPDATE entry SET amount = amount * 2",
        ])
    func tampering(change: String) throws {
        try withTill { till, folder in
            try Self.fill(till)
            let copy = try folder.copy(till.node.export(till.record), to: "copy.sqlite")
            #expect(try Verifier(path: copy).run().findings == [])
            try DataFolder.edit(copy) { connection in
                try connection.execute("PRAGMA foreign_keys=OFF")
                try connection.execute(Self.noTriggers + change)
                try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            }
            // The triggers that are gone are a finding of their own.
            let findings = try Verifier(path: copy).run().findings.filter { $0.invariant != .structure }
            #expect(!findings.isEmpty)
        }
    }

    /// One payment of each state, and one report that did not fit.
    private static func fill(_ till: Till) throws {
        try till.report(try till.begin())
        try till.report(try till.begin(), .failed)
        let open = try till.begin()
        try till.report(open, amount: "1.00")
    }

    @Test("A6 a file of the schema before, with reviews in it, is migrated, takes payments and verifies")
    func migration() throws {
        let folder = try TestFolder()
        let old = TenantSchema(
            migrations: Array(TenantSchema.app.migrations.prefix(4)), readProjections: TenantSchema.app.readProjections,
            housekeep: { _ in }, examine: TenantSchema.app.examine)
        let before = try TestNode(folder.file("data"), schema: old)
        _ = try before.create("shop")
        before.stop()
        // As programs of then wrote them: those of today write rows that the schema of then has no columns for.
        let path = try #require(DataFolder.tenantFiles(folder.file("data")).first)
        try DataFolder.edit(path) { connection in
            try connection.execute(
                """
                INSERT INTO reseller (id, public_id, email, name, state, limit_requests, limit_window, limit_burst,
                    created_at) VALUES (1, 'res_1', 'a@example.com', 'A', 1, 1000, 60, 1000, 1);
                INSERT INTO account_review (id, public_id, reseller_id, book, cause, subject, opened_at)
                    VALUES (1, 'rev_1', 1, 0, 'reconciliation', 'rec_1', 1);
                """)
            try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        }
        let node = try TestNode(folder.file("data"), seed: 2)
        defer { node.stop() }
        let till = Till(
            node: node, shop: Shop(node: node, record: try node.tenant("shop"), resellerIDs: [1]))
        #expect(try till.openReviews() == 1)
        try till.report(try till.begin(book: .test), amount: "1.00")
        #expect(try till.openReviews(.test) == 1)
        #expect(try till.faults() == [])
    }

    @Test(
        "the service's key and secret are ciphertext in the file, are read again, and go when their time is up"
    )
    func secrets() throws {
        try withTill { till, folder in
            let read = try till.node.read(till.record) { tenant in
                let service = try tenant.paymentService()
                return (try tenant.paymentAPIKey(of: service?.id ?? 0), try tenant.paymentCallbackSecrets())
            }
            #expect(read.0 == "the-key-of-the-service" && read.1 == [Till.secret])
            let other = [UInt8](repeating: 9, count: 24)
            let second = NewPaymentService(
                .http(
                    createURL: "https://pay.example/2", apiKey: "another-key", webhookSecret: other,
                    callbackURL: "https://shop.example/", returnURL: "https://shop.example/"))
            func configure(_ new: NewPaymentService?, overlap: Int64) throws -> [[UInt8]] {
                try till.node.write(till.record) { tenant, detail in
                    _ = try ConfigurePayments(new, overlapSeconds: overlap).run(tenant, &detail)
                    return try tenant.paymentCallbackSecrets()
                }
            }
            #expect(try configure(second, overlap: 60) == [other, Till.secret])
            till.node.clock.advance(seconds: 60)
            #expect(try till.node.read(till.record) { try $0.paymentCallbackSecrets() } == [other])
            #expect(try configure(second, overlap: 3_600) == [other, other])
            // None from now on: neither the last one nor those that were still taken.
            #expect(try configure(nil, overlap: 0) == [])
            #expect(throws: Refusal.notFound(.paymentService)) { try configure(nil, overlap: 0) }
            let left = try DataFolder.edit(try folder.copy(till.node.export(till.record), to: "copy.sqlite")) {
                try $0.row(
                    "SELECT count(*) FROM payment_service WHERE api_key IS NOT NULL OR webhook_secret IS NOT NULL"
                ) { try $0.int() }
            }
            #expect(left == 0)
        }
    }
}
