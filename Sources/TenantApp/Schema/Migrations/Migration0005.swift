import CallKit
import SQLite

/// Payments of top-ups, and the service that takes them (A6). A payment's terms never change; its state leaves
/// `pending` once.
enum Migration0005 {
    static let version: Int32 = 5
    static let migration = Migration(version: version, name: "payments", sql: sql)

    private static let sql = """
        -- The one that has not ended is in force. Secrets are AES-256-GCM under the tenant's key, and go with it.
        CREATE TABLE payment_service (
            id INTEGER PRIMARY KEY,
            driver TEXT NOT NULL CHECK (driver IN ('http', 'sandbox')),
            create_url TEXT,
            callback_url TEXT,
            return_url TEXT,
            api_key BLOB,
            webhook_secret BLOB,
            created_at INTEGER NOT NULL,
            ended_at INTEGER,
            -- Callbacks under its secret are taken for so long after its end.
            verifies_until INTEGER
        ) STRICT;
        CREATE UNIQUE INDEX payment_service_in_force ON payment_service (ended_at IS NULL) WHERE ended_at IS NULL;

        CREATE TABLE payment (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            order_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            key_id INTEGER NOT NULL,
            driver TEXT NOT NULL CHECK (driver IN ('http', 'sandbox')),
            amount INTEGER NOT NULL CHECK (amount > 0),
            idempotency_key TEXT,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            -- What the service made of it.
            provider_reference TEXT,
            payment_url TEXT,
            state TEXT NOT NULL DEFAULT 'pending'
                CHECK (state = 'pending' OR state = 'confirmed' OR state = 'failed' OR state = 'expired'),
            -- Why it failed, where we know.
            failure TEXT,
            posting_id INTEGER UNIQUE REFERENCES posting(id),
            decided_at INTEGER,
            CHECK ((state = 'confirmed') = (posting_id IS NOT NULL)),
            CHECK ((state = 'pending') = (decided_at IS NULL))
        ) STRICT;
        CREATE INDEX payment_by_book ON payment (book, id);
        CREATE INDEX payment_by_reseller ON payment (reseller_id, book, id);
        CREATE INDEX payment_unfinished ON payment (reseller_id, book, idempotency_key)
            WHERE idempotency_key IS NOT NULL AND payment_url IS NULL AND state = 'pending';
        CREATE TRIGGER payment_is_append_only_update
            BEFORE UPDATE OF id, public_id, order_id, book, reseller_id, key_id, driver, amount, idempotency_key,
                created_at, expires_at ON payment
            BEGIN SELECT RAISE(ABORT, 'a payment''s terms do not change'); END;
        CREATE TRIGGER payment_is_append_only_decision
            BEFORE UPDATE OF state, failure, posting_id, decided_at ON payment WHEN OLD.state <> 'pending'
            BEGIN SELECT RAISE(ABORT, 'a payment is decided once'); END;
        CREATE TRIGGER payment_is_append_only_service
            BEFORE UPDATE OF provider_reference, payment_url ON payment WHEN OLD.payment_url IS NOT NULL
            BEGIN SELECT RAISE(ABORT, 'a payment has one page'); END;
        CREATE TRIGGER payment_is_append_only_delete BEFORE DELETE ON payment
            BEGIN SELECT RAISE(ABORT, 'payments are kept'); END;

        -- Reports that were genuine and did not fit their payment; each content once.
        CREATE TABLE payment_difference (
            id INTEGER PRIMARY KEY,
            payment_id INTEGER NOT NULL REFERENCES payment(id),
            status TEXT NOT NULL,
            amount TEXT NOT NULL,
            currency TEXT NOT NULL,
            at INTEGER NOT NULL,
            UNIQUE (payment_id, status, amount, currency)
        ) STRICT;
        CREATE TRIGGER payment_difference_is_append_only_update BEFORE UPDATE ON payment_difference
            BEGIN SELECT RAISE(ABORT, 'differences are append-only'); END;
        CREATE TRIGGER payment_difference_is_append_only_delete BEFORE DELETE ON payment_difference
            BEGIN SELECT RAISE(ABORT, 'differences are append-only'); END;

        -- Reviews may be about a payment: the table is made anew, since a CHECK cannot be changed.
        CREATE TABLE account_review_wider (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            cause TEXT NOT NULL CHECK (cause = 'credit_difference' OR cause = 'reconciliation' OR cause = 'payment'),
            -- The public id of the event, the reconciliation or the payment that it is about.
            subject TEXT NOT NULL,
            opened_at INTEGER NOT NULL,
            closed_at INTEGER,
            closed_by INTEGER,
            note TEXT
        ) STRICT;
        INSERT INTO account_review_wider SELECT id, public_id, book, reseller_id, cause, subject, opened_at, closed_at,
            closed_by, note FROM account_review;
        DROP TABLE account_review;
        ALTER TABLE account_review_wider RENAME TO account_review;
        CREATE INDEX account_review_open ON account_review (subject) WHERE closed_at IS NULL;
        CREATE INDEX account_review_by_reseller ON account_review (reseller_id, id);
        """
}
