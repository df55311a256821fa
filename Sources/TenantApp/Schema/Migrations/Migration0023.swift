import HTTPCore
import SQLite

/// Refunds (O10), and what orders and services are found by (O10, W4, W6). Texts that are searched are kept folded
/// beside what was sent.
enum Migration0023 {
    static let version: Int32 = 23
    static let migration = Migration(version: version, name: "refunds and look-ups", sql: sql, finish: fold)

    private static let sql = """
        -- What was paid back of an order, of one of its services, or of one period of that.
        CREATE TABLE refund (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL CHECK (book BETWEEN 0 AND 1),
            order_id INTEGER NOT NULL REFERENCES orders(id),
            service_id INTEGER REFERENCES service(id),
            -- 0 is what the order itself paid.
            period INTEGER CHECK (period >= 0),
            -- The posting of the test book moves nothing all the same.
            amount INTEGER NOT NULL CHECK (amount > 0),
            reason TEXT NOT NULL,
            posting_id INTEGER NOT NULL UNIQUE REFERENCES posting(id),
            at INTEGER NOT NULL,
            key_id INTEGER NOT NULL,
            account_id INTEGER NOT NULL,
            CHECK (period IS NULL OR service_id IS NOT NULL)
        ) STRICT;
        CREATE INDEX refund_by_order ON refund (order_id);
        CREATE TRIGGER refund_is_append_only_update BEFORE UPDATE ON refund
            BEGIN SELECT RAISE(ABORT, 'refunds are append-only'); END;
        CREATE TRIGGER refund_is_append_only_delete BEFORE DELETE ON refund
            BEGIN SELECT RAISE(ABORT, 'refunds are append-only'); END;

        -- The reseller's own name of an order, as it was sent and folded.
        ALTER TABLE orders ADD COLUMN reference TEXT;
        ALTER TABLE orders ADD COLUMN reference_folded TEXT;
        CREATE INDEX orders_by_reference ON orders (reference_folded) WHERE reference_folded IS NOT NULL;
        CREATE INDEX orders_by_customer ON orders (customer_id);
        CREATE INDEX orders_by_product ON orders (product_id);
        CREATE INDEX orders_rejected ON orders (id) WHERE state = 'rejected';
        CREATE INDEX orders_of_test ON orders (id) WHERE book = 1;
        CREATE INDEX service_not_active ON service (state, id) WHERE state <> 'active';

        ALTER TABLE customer ADD COLUMN external_folded TEXT;
        UPDATE customer SET external_folded = lower(external_id) WHERE external_id IS NOT NULL;
        CREATE INDEX customer_by_external ON customer (external_folded) WHERE external_folded IS NOT NULL;
        CREATE INDEX customer_by_email ON customer (email) WHERE email IS NOT NULL;

        PRAGMA ignore_check_constraints=ON;
        ALTER TABLE posting DROP COLUMN checked;
        ALTER TABLE posting ADD COLUMN checked ANY AS (NULL) VIRTUAL CHECK (
            book BETWEEN 0 AND 1 AND (kind = 'order' OR kind = 'hold' OR kind = 'capture' OR kind = 'void'
            OR kind = 'port' OR kind = 'codes' OR kind = 'transfer' OR kind = 'top_up' OR kind = 'correction'
            OR kind = 'renewal' OR kind = 'hourly' OR kind = 'refund'));
        PRAGMA ignore_check_constraints=OFF;
        """

    /// SQLite folds the letters of ASCII alone.
    @Sendable private static func fold(_ connection: Connection) throws {
        let rows = try connection.rows(
            "SELECT id, external_id FROM customer WHERE external_id GLOB '*[^ -~]*'"
        ) { row in (id: try row.int(), name: try row.text()) }
        for row in rows {
            try connection.run(
                "UPDATE customer SET external_folded = ?2 WHERE id = ?1", .integer(row.id), .text(row.name.folded))
        }
    }
}
