import CallKit
import SQLite
import TenantRegistry

/// The first schema: accounts, keys, resellers, price books, orders, services, ledger, idempotency, outbox, audit.
/// A list of more than two values after IN would be made a table at each insert, so checks say OR.
/// Money is in micros, times are milliseconds since 1970 UTC, percents are parts per million of one.
enum Migration0001 {
    static let migration = Migration(version: 1, name: "wholesale", sql: CoreSchema.sql + sql)

    private static let sql = """
        CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

        -- People who can sign in, and the accounts that keys are attributed to.
        CREATE TABLE account (
            id INTEGER PRIMARY KEY,
            email TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            role INTEGER NOT NULL,
            reseller_id INTEGER REFERENCES reseller(id),
            password_hash TEXT,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE invitation (
            token_hash BLOB PRIMARY KEY,
            account_id INTEGER NOT NULL REFERENCES account(id),
            expires_at INTEGER NOT NULL,
            used_at INTEGER
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE api_key (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            account_id INTEGER NOT NULL REFERENCES account(id),
            reseller_id INTEGER REFERENCES reseller(id),
            role INTEGER NOT NULL,
            book INTEGER NOT NULL,
            scopes INTEGER NOT NULL,
            name TEXT,
            display_prefix TEXT NOT NULL,
            expires_at INTEGER,
            limit_requests INTEGER, limit_window INTEGER, limit_burst INTEGER,
            epoch INTEGER NOT NULL DEFAULT 1,
            created_at INTEGER NOT NULL,
            created_by INTEGER NOT NULL,
            revoked_at INTEGER
        ) STRICT;
        CREATE INDEX api_key_by_reseller ON api_key (reseller_id);
        -- Only hashes. A rotation adds a row and gives the old one an end.
        CREATE TABLE api_key_secret (
            hash BLOB PRIMARY KEY,
            key_id INTEGER NOT NULL REFERENCES api_key(id),
            created_at INTEGER NOT NULL,
            expires_at INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX api_key_secret_by_key ON api_key_secret (key_id);
        CREATE INDEX api_key_secret_by_end ON api_key_secret (expires_at) WHERE expires_at IS NOT NULL;

        CREATE TABLE reseller (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            email TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            company TEXT,
            state INTEGER NOT NULL,
            default_discount_rate INTEGER NOT NULL DEFAULT 0,
            credit_limit INTEGER NOT NULL DEFAULT 0,
            limit_requests INTEGER NOT NULL, limit_window INTEGER NOT NULL, limit_burst INTEGER NOT NULL,
            api_access INTEGER NOT NULL DEFAULT 1,
            low_balance_threshold INTEGER,
            created_at INTEGER NOT NULL,
            approved_at INTEGER,
            approved_by INTEGER,
            suspended_at INTEGER,
            terminated_at INTEGER
        ) STRICT;
        -- Signing secrets as AES-256-GCM ciphertext under the tenant's key; after a rotation the old one has an end.
        CREATE TABLE webhook_secret (
            id INTEGER PRIMARY KEY,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            sealed BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER
        ) STRICT;
        CREATE INDEX webhook_secret_by_reseller ON webhook_secret (reseller_id);
        CREATE INDEX webhook_secret_by_end ON webhook_secret (expires_at) WHERE expires_at IS NOT NULL;

        CREATE TABLE product (
            id INTEGER PRIMARY KEY,
            sku TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            fulfilment TEXT NOT NULL,
            hidden INTEGER NOT NULL DEFAULT 0,
            days INTEGER,
            retail_price INTEGER,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE price (
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            product_id INTEGER NOT NULL REFERENCES product(id),
            wholesale_monthly INTEGER, wholesale_quarterly INTEGER, wholesale_semi_annual INTEGER,
            wholesale_annual INTEGER, wholesale_hourly INTEGER, wholesale_setup_fee INTEGER,
            discount_rate_override INTEGER,
            is_enabled INTEGER NOT NULL DEFAULT 1,
            max_quantity INTEGER,
            updated_at INTEGER NOT NULL,
            PRIMARY KEY (reseller_id, product_id)
        ) STRICT, WITHOUT ROWID;
        -- A price book on its way in, row by row, applied at once.
        CREATE TABLE price_staging (
            import_id INTEGER NOT NULL,
            line INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL,
            product_id INTEGER NOT NULL,
            wholesale_monthly INTEGER, wholesale_quarterly INTEGER, wholesale_semi_annual INTEGER,
            wholesale_annual INTEGER, wholesale_hourly INTEGER, wholesale_setup_fee INTEGER,
            discount_rate_override INTEGER,
            is_enabled INTEGER NOT NULL,
            max_quantity INTEGER,
            PRIMARY KEY (import_id, line)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE customer (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            external_id TEXT,
            email TEXT,
            name TEXT,
            created_at INTEGER NOT NULL,
            UNIQUE (reseller_id, book, external_id)
        ) STRICT;
        CREATE INDEX customer_by_reseller ON customer (reseller_id, book, id);

        CREATE TABLE orders (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            customer_id INTEGER NOT NULL REFERENCES customer(id),
            product_id INTEGER NOT NULL REFERENCES product(id),
            term TEXT NOT NULL,
            quantity INTEGER NOT NULL CHECK (quantity > 0),
            term_price INTEGER NOT NULL,
            discount_rate INTEGER NOT NULL,
            line_total INTEGER NOT NULL,
            setup_total INTEGER NOT NULL,
            wholesale_total INTEGER NOT NULL CHECK (wholesale_total >= 0),
            state TEXT NOT NULL CHECK (state = 'pending' OR state = 'completed' OR state = 'rejected'),
            posting_id INTEGER NOT NULL REFERENCES posting(id),
            decided_posting_id INTEGER REFERENCES posting(id),
            key_id INTEGER NOT NULL,
            idempotency_key TEXT,
            created_at INTEGER NOT NULL,
            decided_at INTEGER,
            decided_by INTEGER
        ) STRICT;
        CREATE INDEX orders_by_reseller ON orders (reseller_id, book, id);
        CREATE INDEX orders_pending ON orders (id) WHERE state = 'pending';

        CREATE TABLE service (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            order_id INTEGER NOT NULL REFERENCES orders(id),
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            customer_id INTEGER NOT NULL REFERENCES customer(id),
            product_id INTEGER NOT NULL REFERENCES product(id),
            term TEXT NOT NULL,
            -- What a renewal charges: recorded at the order, whatever the price book says later.
            term_price INTEGER NOT NULL,
            discount_rate INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (
                state = 'pending' OR state = 'active' OR state = 'past_due' OR state = 'suspended'
                OR state = 'cancelled'),
            anchor_day INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            activated_at INTEGER,
            renews_at INTEGER,
            ends_at INTEGER,
            cancelled_at INTEGER
        ) STRICT;
        CREATE INDEX service_by_reseller ON service (reseller_id, book, id);
        CREATE INDEX service_by_order ON service (order_id);
        CREATE INDEX service_renewals ON service (renews_at) WHERE state IN ('active', 'past_due');

        -- How many units a reseller holds of a product: services not cancelled, and open holds (W2).
        CREATE TABLE holding (
            reseller_id INTEGER NOT NULL,
            product_id INTEGER NOT NULL,
            book INTEGER NOT NULL,
            units INTEGER NOT NULL CHECK (units >= 0),
            PRIMARY KEY (reseller_id, product_id, book)
        ) STRICT, WITHOUT ROWID;

        -- Double entry. Kinds: balance and held belong to a reseller; sales and funding to the tenant.
        CREATE TABLE ledger_account (
            id INTEGER PRIMARY KEY,
            book INTEGER NOT NULL,
            kind TEXT NOT NULL,
            reseller_id INTEGER NOT NULL,
            balance INTEGER NOT NULL DEFAULT 0,
            UNIQUE (book, kind, reseller_id)
        ) STRICT;
        CREATE TABLE posting (
            id INTEGER PRIMARY KEY,
            book INTEGER NOT NULL,
            kind TEXT NOT NULL,
            reseller_id INTEGER NOT NULL,
            reference TEXT NOT NULL,
            at INTEGER NOT NULL,
            key_id INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE entry (
            id INTEGER PRIMARY KEY,
            posting_id INTEGER NOT NULL REFERENCES posting(id),
            account_id INTEGER NOT NULL REFERENCES ledger_account(id),
            amount INTEGER NOT NULL,
            balance_after INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX entry_by_account ON entry (account_id, id);
        CREATE INDEX entry_by_posting ON entry (posting_id);
        CREATE TRIGGER posting_is_append_only_update BEFORE UPDATE ON posting
            BEGIN SELECT RAISE(ABORT, 'postings are append-only'); END;
        CREATE TRIGGER posting_is_append_only_delete BEFORE DELETE ON posting
            BEGIN SELECT RAISE(ABORT, 'postings are append-only'); END;
        CREATE TRIGGER entry_is_append_only_update BEFORE UPDATE ON entry
            BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
        CREATE TRIGGER entry_is_append_only_delete BEFORE DELETE ON entry
            BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;

        -- The answer to each call that moved money or stock, in the transaction of its effect (0012).
        CREATE TABLE idempotency (
            reseller_id INTEGER NOT NULL,
            book INTEGER NOT NULL,
            key TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            status INTEGER NOT NULL,
            content_type TEXT NOT NULL,
            body BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            UNIQUE (reseller_id, book, key)
        ) STRICT;

        CREATE TABLE webhook_endpoint (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            book INTEGER NOT NULL,
            name TEXT,
            url TEXT NOT NULL,
            events TEXT NOT NULL,
            is_enabled INTEGER NOT NULL DEFAULT 1,
            created_at INTEGER NOT NULL,
            removed_at INTEGER
        ) STRICT;
        CREATE INDEX webhook_endpoint_by_reseller ON webhook_endpoint (reseller_id, book);
        -- What happened, for the pull feed; append-only.
        CREATE TABLE event (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            type TEXT NOT NULL,
            at INTEGER NOT NULL,
            data TEXT NOT NULL
        ) STRICT;
        CREATE INDEX event_by_reseller ON event (reseller_id, book, id);
        CREATE TRIGGER event_is_append_only_update BEFORE UPDATE ON event
            BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
        CREATE TRIGGER event_is_append_only_delete BEFORE DELETE ON event
            BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
        -- The queue: one row for each endpoint subscribed when the event committed.
        CREATE TABLE delivery (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            event_id INTEGER NOT NULL REFERENCES event(id),
            endpoint_id INTEGER NOT NULL REFERENCES webhook_endpoint(id),
            state TEXT NOT NULL CHECK (
                state = 'pending' OR state = 'delivered' OR state = 'dead' OR state = 'dropped'),
            attempts INTEGER NOT NULL DEFAULT 0,
            next_at INTEGER,
            expires_at INTEGER NOT NULL,
            last_status INTEGER,
            last_body TEXT,
            updated_at INTEGER NOT NULL,
            UNIQUE (event_id, endpoint_id)
        ) STRICT;
        CREATE INDEX delivery_due ON delivery (next_at) WHERE state = 'pending';
        CREATE INDEX delivery_undelivered ON delivery (state, id) WHERE state <> 'delivered';
        """
}
