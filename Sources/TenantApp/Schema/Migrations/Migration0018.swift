import SQLite

/// Provisioners and their calls, stock that orders take from, details of services (W13, O4, O10).
enum Migration0018 {
    static let version: Int32 = 18
    static let migration = Migration(version: version, name: "provisioning and stock", sql: sql)

    private static let sql = """
        -- Who makes what is ordered: product 0 is the tenant's own, the others override it.
        CREATE TABLE provisioner (
            product_id INTEGER PRIMARY KEY,
            url TEXT NOT NULL,
            -- AES-256-GCM under the tenant's key.
            secret BLOB NOT NULL,
            timeout_seconds INTEGER NOT NULL CHECK (timeout_seconds BETWEEN 1 AND 120),
            -- The tenant's base URL, as its operator reached it.
            base_url TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT;

        -- One unit's life at its provisioner. Verb number n is asked for until it is answered; there is one at a time.
        CREATE TABLE provisioning (
            service_id INTEGER PRIMARY KEY REFERENCES service(id),
            book INTEGER NOT NULL CHECK (book BETWEEN 0 AND 1),
            wanted TEXT NOT NULL CHECK (wanted = 'active' OR wanted = 'suspended' OR wanted = 'terminated'),
            actual TEXT NOT NULL CHECK (
                actual = 'unknown' OR actual = 'active' OR actual = 'suspended' OR actual = 'terminated'),
            verb TEXT CHECK (verb = 'create' OR verb = 'suspend' OR verb = 'unsuspend' OR verb = 'terminate'),
            n INTEGER NOT NULL CHECK (n >= 0),
            phase TEXT NOT NULL CHECK (
                phase = 'idle' OR phase = 'asking' OR phase = 'pending' OR phase = 'stuck'),
            -- How often it was asked, or asked about, in this phase, and since when.
            tries INTEGER NOT NULL,
            since INTEGER NOT NULL,
            next_at INTEGER,
            last_at INTEGER,
            last_outcome TEXT,
            last_status INTEGER,
            last_excerpt TEXT,
            -- The last callback that was taken: the same one again changes nothing.
            callback_id TEXT,
            CHECK ((verb IS NULL) = (phase = 'idle')),
            CHECK ((next_at IS NULL) = (phase = 'idle' OR phase = 'stuck'))
        ) STRICT;
        CREATE INDEX provisioning_due ON provisioning (next_at) WHERE next_at IS NOT NULL;
        CREATE INDEX provisioning_open ON provisioning (service_id) WHERE phase <> 'idle';
        CREATE INDEX provisioning_stuck ON provisioning (service_id) WHERE phase = 'stuck';

        -- Units of an order that were decided one by one, each with the posting that captured or gave back its share.
        CREATE TABLE unit_decision (
            service_id INTEGER PRIMARY KEY REFERENCES service(id),
            order_id INTEGER NOT NULL REFERENCES orders(id),
            posting_id INTEGER NOT NULL REFERENCES posting(id),
            at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX unit_decision_by_order ON unit_decision (order_id);
        CREATE TRIGGER unit_decision_no_update BEFORE UPDATE ON unit_decision BEGIN
            SELECT raise(ABORT, 'unit_decision is append-only'); END;
        CREATE TRIGGER unit_decision_no_delete BEFORE DELETE ON unit_decision BEGIN
            SELECT raise(ABORT, 'unit_decision is append-only'); END;
        -- How many units of an order were carried out and rejected, where that is not all or none, and why.
        CREATE TABLE order_outcome (
            order_id INTEGER PRIMARY KEY REFERENCES orders(id),
            ready_units INTEGER NOT NULL CHECK (ready_units >= 0),
            rejected_units INTEGER NOT NULL CHECK (rejected_units >= 0),
            reason TEXT
        ) STRICT;

        -- What the end customer needs: JSON, sealed as a whole.
        CREATE TABLE service_details (
            service_id INTEGER PRIMARY KEY REFERENCES service(id),
            sealed BLOB NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT;

        -- What an order of a product with fulfilment stock takes, oldest first: a text, sealed, with a keyed hash by
        -- which a second one is found.
        CREATE TABLE stock_item (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL CHECK (book BETWEEN 0 AND 1),
            product_id INTEGER NOT NULL REFERENCES product(id),
            sealed BLOB NOT NULL,
            fingerprint BLOB NOT NULL,
            service_id INTEGER UNIQUE REFERENCES service(id),
            created_at INTEGER NOT NULL,
            sold_at INTEGER,
            withdrawn_at INTEGER,
            UNIQUE (book, product_id, fingerprint),
            CHECK ((service_id IS NULL) = (sold_at IS NULL)),
            CHECK (sold_at IS NULL OR withdrawn_at IS NULL)
        ) STRICT;
        CREATE INDEX stock_item_free ON stock_item (book, product_id, id)
            WHERE sold_at IS NULL AND withdrawn_at IS NULL;
        CREATE INDEX stock_item_by_product ON stock_item (book, product_id, id);
        CREATE TABLE stock_staging (
            import_id INTEGER NOT NULL,
            place INTEGER NOT NULL,
            sealed BLOB NOT NULL,
            fingerprint BLOB NOT NULL,
            PRIMARY KEY (import_id, place)
        ) STRICT, WITHOUT ROWID;
        """
}
