import CallKit
import TenantApp
import TestTenants
import Testing

/// A change with an SQLite shell, what it breaks, and words that the report must say.
struct Harm: CustomTestStringConvertible, Sendable {
    let name: String
    let sql: String
    let invariant: Finding.Invariant
    let words: String

    init(_ name: String, _ sql: String, _ invariant: Finding.Invariant, _ words: String) {
        self.name = name
        self.sql = sql
        self.invariant = invariant
        self.words = words
    }

    var testDescription: String { name }
}

@Suite struct BookTamperingTests {
    /// Posting 3 pays order 1 of three units; posting 6 holds order 5 of two.
    static let harms = [
        Harm(
            "an order's total is lowered", "UPDATE orders SET wholesale_total = 1000000 WHERE id = 1", .orders,
            "audit row 7 says 18.00 EUR"),
        Harm(
            "an order's price is lowered in all its columns",
            "UPDATE orders SET term_price = 1000000, line_total = 3000000, wholesale_total = 6000000 WHERE id = 1",
            .orders, "The order's total is 6.00 EUR"),
        Harm(
            "an order's line does not follow from its price",
            "UPDATE orders SET line_total = 14000000, setup_total = 4000000 WHERE id = 1",
            .orders, "3 × 5.00 EUR less 0 % is 15.00 EUR"),
        Harm(
            "an order goes to another reseller", "UPDATE orders SET reseller_id = 2 WHERE id = 1", .orders,
            "The order's reseller is 2"),
        Harm(
            "an order is removed with all that belongs to it",
            """
            DELETE FROM service WHERE order_id = 1; DELETE FROM orders WHERE id = 1; DELETE FROM idempotency WHERE key = 'first' AND book = 0;
            UPDATE holding SET units = units - 3 WHERE reseller_id = 1 AND product_id = 1 AND book = 0
            """, .orders, "audit row 7 says it was placed"),
        Harm(
            "an order is written twice",
            """
            INSERT INTO orders SELECT 99, 'ord_copy', book, reseller_id, customer_id, product_id, term, quantity, term_price,
                discount_rate, line_total, setup_total, wholesale_total, state, posting_id, decided_posting_id, key_id,
                idempotency_key, created_at, decided_at, decided_by, revision, reference, reference_folded
                FROM orders WHERE id = 1
            """, .orders, "No audit row says that the order ord_copy was placed"),
        Harm(
            "an order's key is used again",
            """
            INSERT INTO orders SELECT 99, 'ord_copy', book, reseller_id, customer_id, product_id, term, quantity, term_price,
                discount_rate, line_total, setup_total, wholesale_total, state, posting_id, decided_posting_id, key_id,
                idempotency_key, created_at, decided_at, decided_by, revision, reference, reference_folded
                FROM orders WHERE id = 1
            """, .idempotency, "the same key as order 1"),
        Harm(
            "a held order is called completed",
            "UPDATE orders SET state = 'completed', decided_at = 1 WHERE state = 'pending'",
            .orders, "completed without the posting that decides it"),
        Harm(
            "a rejected order is called completed", "UPDATE orders SET state = 'completed' WHERE state = 'rejected'",
            .orders,
            "the posting that decides it is of kind void"),
        Harm(
            "a service is removed", "DELETE FROM service WHERE id = 1", .orders, "for 3 units and has 2 services"),
        Harm(
            "an entry is lowered", "UPDATE entry SET amount = 1 WHERE id = 2", .ledger, "not to zero"),
        Harm(
            "a posting's amount is changed on both sides, with every balance after it",
            """
            UPDATE entry SET amount = amount - sign(amount) * 1000000 WHERE posting_id = 3;
            UPDATE entry SET balance_after = (SELECT sum(e.amount) FROM entry e WHERE e.account_id = entry.account_id AND e.id <= entry.id);
            UPDATE ledger_account SET balance = (SELECT sum(amount) FROM entry WHERE account_id = ledger_account.id);
            UPDATE orders SET wholesale_total = 17000000, line_total = 14000000 WHERE id = 1
            """, .ledger, "audit row 7 says 18.00 EUR from balance:1 to sales:0"),
        Harm(
            "a posting goes to another reseller's balance, with every balance after it",
            """
            UPDATE entry SET account_id = (SELECT id FROM ledger_account WHERE kind = 'balance' AND reseller_id = 2 AND book = 0)
                WHERE id = 2;
            UPDATE posting SET reseller_id = 2 WHERE id = 1;
            UPDATE entry SET balance_after = (SELECT sum(e.amount) FROM entry e WHERE e.account_id = entry.account_id AND e.id <= entry.id);
            UPDATE ledger_account SET balance = (SELECT sum(amount) FROM entry WHERE account_id = ledger_account.id)
            """, .ledger, "1000.00 EUR from funding:0 to balance:1"),
        Harm(
            "a top-up is added, with its balances",
            """
            INSERT INTO posting VALUES (99, 0, 'top_up', 1, 'gift', 1790000000000, 0);
            INSERT INTO entry SELECT NULL, 99, id, -1000000, balance - 1000000, last_entry_id FROM ledger_account
                WHERE kind = 'funding' AND book = 0;
            INSERT INTO entry SELECT NULL, 99, id, 1000000, balance + 1000000, last_entry_id FROM ledger_account
                WHERE kind = 'balance' AND reseller_id = 1 AND book = 0;
            UPDATE ledger_account SET balance = (SELECT sum(amount) FROM entry WHERE account_id = ledger_account.id),
                last_entry_id = (SELECT max(id) FROM entry WHERE account_id = ledger_account.id)
            """, .ledger, "No audit row vouches for this posting of kind top_up"),
        Harm(
            "a posting is removed with its entries and their balances",
            """
            DELETE FROM entry WHERE posting_id = 1; DELETE FROM posting WHERE id = 1;
            UPDATE entry SET balance_after = (SELECT sum(e.amount) FROM entry e WHERE e.account_id = entry.account_id AND e.id <= entry.id);
            UPDATE ledger_account SET balance = (SELECT sum(amount) FROM entry WHERE account_id = ledger_account.id)
            """, .ledger, "vouches for top_up of 1000.00 EUR"),
        Harm(
            "a posting's kind is changed", "UPDATE posting SET kind = 'correction' WHERE id = 1", .ledger,
            "It is correction in the live book"),
        Harm(
            "a top-up's reference is changed", "UPDATE posting SET reference = 'another' WHERE id = 1", .ledger,
            "Its reference is not the one that audit row"),
        Harm(
            "a balance is raised",
            "UPDATE ledger_account SET balance = balance + 1 WHERE kind = 'balance' AND reseller_id = 1 AND book = 0",
            .ledger, "its entries come to"),
        Harm(
            "an entry is left out of its account's chain",
            "UPDATE entry SET previous_id = NULL WHERE id = (SELECT last_entry_id FROM ledger_account WHERE kind = 'balance' AND reseller_id = 1 AND book = 0)",
            .ledger, "It is said to follow none on balance:1"),
        Harm(
            "an account's newest entry is hidden",
            "UPDATE ledger_account SET last_entry_id = (SELECT previous_id FROM entry WHERE id = last_entry_id) WHERE kind = 'sales' AND book = 0",
            .ledger, "The newest entry of sales:0 is said to be"),
        Harm(
            "what is held differs from the open orders", "DELETE FROM orders WHERE state = 'pending'", .ledger,
            "open orders hold 0.00 EUR"),
        Harm(
            "the test book charges",
            """
            UPDATE entry SET amount = iif(id % 2, -1, 1) WHERE posting_id = (SELECT posting_id FROM orders WHERE book = 1 LIMIT 1)
            """, .ledger, "it must charge nothing"),
        Harm(
            "one unit more is held",
            "UPDATE holding SET units = units + 1 WHERE product_id = 1 AND reseller_id = 1 AND book = 0", .quantity,
            "units are recorded as held"),
        Harm(
            "a holding is removed", "DELETE FROM holding WHERE product_id = 1 AND reseller_id = 2", .quantity,
            "nothing is recorded as held"),
        Harm(
            "a cancelled unit lives again", "UPDATE service SET state = 'active' WHERE state = 'cancelled'", .quantity,
            "services are not cancelled"),
        Harm(
            "a stored answer is removed", "DELETE FROM idempotency WHERE key = 'second'", .idempotency,
            "a retry would buy again"),
        Harm(
            "a stored answer names another order",
            "UPDATE idempotency SET body = CAST('{\"order\":{\"id\":\"ord_x\"}}' AS BLOB) WHERE key = 'second'",
            .idempotency, "names the order ord_x, which there is not"),
        Harm(
            "a stored answer is a page", "UPDATE idempotency SET content_type = 'text/html' WHERE key = 'second'",
            .structure, "Its column content_type cannot be read"),
        Harm(
            "a stored answer is a refusal", "UPDATE idempotency SET status = 402 WHERE key = 'second'", .idempotency,
            "status 402"),
        Harm(
            "an event is removed", "DELETE FROM delivery WHERE event_id = 1; DELETE FROM event WHERE id = 1", .outbox,
            "The order.created event of the order"),
        Harm(
            "an event goes to another reseller", "UPDATE event SET reseller_id = 2 WHERE id = 1", .outbox,
            "another reseller or book"),
        Harm("an event's body is no JSON", "UPDATE event SET body = '{' WHERE id = 1", .outbox, "no JSON object"),
        Harm(
            "an event tells another total",
            "UPDATE event SET body = replace(body, '18.00', '81.00') WHERE id = 1", .outbox,
            "The event says a total of 81.00"),
        Harm(
            "H1 an event's body says another type",
            "UPDATE event SET body = replace(body, 'service.activated', 'service.cancelled') WHERE id = 2", .outbox,
            "The event's body has another type than its row: service.activated"),
        Harm(
            "H1 an event's body shows another object",
            "UPDATE event SET body = replace(body, object, 'svc_other') WHERE id = 2", .outbox,
            "another object than its row"),
        Harm(
            "H1 an event is told again",
            """
            INSERT INTO event (public_id, book, reseller_id, type, at, object, revision, body)
            SELECT 'evt_again', book, reseller_id, type, at, object, revision, body FROM event WHERE id = 2
            """, .outbox, "and is number 2 of its events"),
        Harm(
            "H1 an event of a service is removed",
            "DELETE FROM delivery WHERE event_id = 2; DELETE FROM event WHERE id = 2", .outbox,
            "The row says revision 1, and there are 0 events of svc_"),
        Harm(
            "H1 a row's revision is raised without an event", "UPDATE service SET revision = 7 WHERE id = 1", .outbox,
            "The row says revision 7, and there are 1 events"),
        Harm(
            "H1 an event is of an object that there is not",
            "UPDATE event SET object = 'svc_none', body = replace(body, object, 'svc_none') WHERE id = 2", .outbox,
            "tells of svc_none, which its reseller does not have"),
        Harm(
            "a delivery goes to another's endpoint", "UPDATE delivery SET endpoint_id = 2 WHERE id = 1", .outbox,
            "to another's endpoint"),
        Harm(
            "a delivery loses its event", "PRAGMA foreign_keys=OFF; UPDATE delivery SET event_id = 9999 WHERE id = 1",
            .outbox, "The delivery's event is missing"),
        Harm(
            "a pending delivery is never due", "UPDATE delivery SET next_at = NULL WHERE id = 1", .outbox, "never due"),
        Harm(
            "H3 a held delivery is due", "UPDATE delivery SET state = 'held' WHERE id = 1", .outbox,
            "due as if it were pending"),
        Harm(
            "H3 a delivery is called delivered", "UPDATE delivery SET state = 'delivered', next_at = NULL WHERE id = 1",
            .outbox, "no attempt says so"),
        Harm(
            "H4 an attempt is taken away", "UPDATE delivery SET tries = 1, first_at = 1 WHERE id = 1", .outbox,
            "says 1 attempts; 0 are kept"),
        Harm(
            "H4 an attempt is added", "INSERT INTO attempt VALUES (1, 1, 1, 1, 'refused', NULL, NULL, NULL)", .outbox,
            "says 0 attempts; 1 are kept"),
        Harm(
            "H4 an attempt's end is another",
            """
            UPDATE delivery SET tries = 1, first_at = 1, last_outcome = 'status', last_status = 500 WHERE id = 1;
            INSERT INTO attempt VALUES (1, 1, 1, 1, 'delivered', 200, NULL, NULL)
            """, .outbox, "another end of its last attempt"),
        Harm(
            "H4 an attempt is nobody's",
            "PRAGMA foreign_keys=OFF; INSERT INTO attempt VALUES (9999, 1, 1, 1, 'refused', NULL, NULL, NULL)", .outbox,
            "The attempt's delivery is missing"),
        Harm(
            "H3 a delivery has failed oftener than it was tried", "UPDATE delivery SET attempts = 3 WHERE id = 1",
            .outbox, "says 3 failures in 0 attempts"),
        Harm(
            "H4 a delivery says another type", "UPDATE delivery SET type = 'balance.low' WHERE id = 1", .outbox,
            "another type, reseller or book"),
        Harm(
            "O7 a count of deliveries is raised",
            "UPDATE delivery_count SET count = count + 1 WHERE state = 'pending' AND endpoint_id = 1", .outbox,
            "deliveries are pending; there are"),
        Harm(
            "H3 an endpoint fails without a failure",
            "INSERT INTO endpoint_health (endpoint_id, failing_since, failures_in_row) VALUES (1, 5, 0)", .outbox,
            "How it fails does not go with since when"),
        Harm(
            "a column is added", "ALTER TABLE orders ADD COLUMN note TEXT", .structure, "The table orders was altered"),
        Harm(
            "a view is added", "CREATE VIEW v AS SELECT 1", .structure,
            "The view v is none of Tollgate's, so no row was read"),
        Harm("an index is removed", "DROP INDEX entry_by_posting", .structure, "The index entry_by_posting is missing"),
        Harm(
            "a table is gone", "PRAGMA foreign_keys=OFF; DROP TABLE holding", .structure, "The table holding is missing"
        ),
    ]

    @Test("a tampered file is found out and the harm named plainly", arguments: harms)
    func harm(harm: Harm) throws {
        let copy = try Copy()
        try copy.tamper(harm.sql)
        let report = try copy.verify()
        #expect(
            report.findings.contains { $0.invariant == harm.invariant && $0.text.contains(harm.words) },
            "\(report.text)")
        #expect(report.text.contains("NOT sound"))
    }

    @Test(
        "a finding stands for one harm: nothing else is blamed",
        arguments: [
            ("UPDATE holding SET units = units + 1 WHERE product_id = 1 AND reseller_id = 1 AND book = 0", 1),
            ("UPDATE entry SET balance_after = balance_after + 1 WHERE id = 2", 2),
            ("UPDATE ledger_account SET balance = balance + 1 WHERE kind = 'sales' AND book = 0", 1),
            (
                "UPDATE event SET body = '{' WHERE type = 'service.activated' AND id = (SELECT min(id) FROM event WHERE type = 'service.activated')",
                1
            ),
        ])
    func alone(sql: String, count: Int) throws {
        let copy = try Copy()
        try copy.tamper(sql)
        let report = try copy.verify()
        #expect(report.findingCount == count, "\(report.text)")
    }

    @Test("of very many findings fifty are printed and the rest counted")
    func many() throws {
        let copy = try Copy()
        try copy.tamper(
            """
            WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1199)
            INSERT INTO posting SELECT i, 0, 'top_up', 1, 'x', 0, 0 FROM n
            """)
        let report = try copy.verify()
        // Each is unvouched for and has no entries.
        #expect(report.findingCount == 400)
        #expect(report.text.hasSuffix("and 350 more"))
    }
}
