import SQLite

/// Webhook endpoints with their state, deliveries that may be held, attempts one by one (H3, H4; 0032).
enum Migration0015 {
    static let version: Int32 = 15
    static let migration = Migration(version: version, name: "endpoints and attempts", sql: sql)

    private static let sql = endpoints + deliveries + counts

    /// The endpoint without a name becomes `default`, which signs with its reseller's secret. One that was called so
    /// keeps its own secret under another name.
    private static let endpoints = """
        ALTER TABLE webhook_endpoint DROP COLUMN checked;
        UPDATE webhook_endpoint SET name = 'default ' || id WHERE name = 'default';
        UPDATE webhook_endpoint SET name = 'default' WHERE name IS NULL;
        ALTER TABLE webhook_endpoint ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
            CHECK (state = 'active' OR state = 'paused' OR state = 'disabled');
        ALTER TABLE webhook_endpoint ADD COLUMN disabled_reason TEXT CHECK (disabled_reason IS NULL
            OR disabled_reason = 'gone' OR disabled_reason = 'failing' OR disabled_reason = 'operator'
            OR disabled_reason = 'terminated');
        ALTER TABLE webhook_endpoint ADD COLUMN disabled_at INTEGER;
        ALTER TABLE webhook_endpoint ADD COLUMN concurrency INTEGER NOT NULL DEFAULT 8
            CHECK (concurrency BETWEEN 1 AND 64);
        ALTER TABLE webhook_endpoint ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version = 1);
        ALTER TABLE webhook_endpoint ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
        UPDATE webhook_endpoint SET updated_at = created_at;
        -- Until now termination alone has disabled endpoints.
        UPDATE webhook_endpoint SET state = 'disabled', disabled_reason = 'terminated', disabled_at = coalesce(
                (SELECT r.terminated_at FROM reseller r WHERE r.id = webhook_endpoint.reseller_id), created_at)
            WHERE is_enabled = 0;
        ALTER TABLE webhook_endpoint DROP COLUMN is_enabled;
        PRAGMA ignore_check_constraints=ON;
        ALTER TABLE webhook_endpoint ADD COLUMN checked ANY AS (NULL) VIRTUAL CHECK (book BETWEEN 0 AND 1
            AND (state = 'disabled') = (disabled_reason IS NOT NULL)
            AND (state = 'disabled') = (disabled_at IS NOT NULL));
        PRAGMA ignore_check_constraints=OFF;
        CREATE UNIQUE INDEX webhook_endpoint_default ON webhook_endpoint (reseller_id, book)
            WHERE name = 'default' AND removed_at IS NULL;
        -- How an endpoint has answered of late: `failing_since` is the first failure since its last 2xx.
        CREATE TABLE endpoint_health (
            endpoint_id INTEGER PRIMARY KEY REFERENCES webhook_endpoint(id),
            failing_since INTEGER,
            failures_in_row INTEGER NOT NULL DEFAULT 0,
            last_failure_at INTEGER,
            last_success_at INTEGER,
            last_outcome TEXT,
            last_status INTEGER
        ) STRICT;

        """

    /// `attempts` are the failures of the schedule that runs, `tries` all that there ever were. What was queued before
    /// there was a sender, and has waited longer than it was to be kept, is not sent as news.
    private static let deliveries = """
        CREATE TABLE delivery_wider (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            event_id INTEGER NOT NULL REFERENCES event(id),
            endpoint_id INTEGER NOT NULL REFERENCES webhook_endpoint(id),
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            book INTEGER NOT NULL CHECK (book BETWEEN 0 AND 1),
            type TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state = 'pending' OR state = 'delivered' OR state = 'dead'
                OR state = 'dropped' OR state = 'held'),
            attempts INTEGER NOT NULL DEFAULT 0,
            tries INTEGER NOT NULL DEFAULT 0,
            is_test INTEGER NOT NULL DEFAULT 0 CHECK (is_test BETWEEN 0 AND 1),
            created_at INTEGER NOT NULL,
            first_at INTEGER,
            next_at INTEGER,
            last_outcome TEXT,
            last_status INTEGER,
            updated_at INTEGER NOT NULL,
            status_class INTEGER AS (coalesce(last_status / 100, 0)) VIRTUAL,
            UNIQUE (event_id, endpoint_id)
        ) STRICT;
        INSERT INTO delivery_wider (id, public_id, event_id, endpoint_id, reseller_id, book, type, state, created_at,
                next_at, updated_at)
            SELECT d.id, d.public_id, d.event_id, d.endpoint_id, e.reseller_id, e.book, e.type,
                iif(d.state = 'pending' AND d.expires_at <= unixepoch() * 1000, 'dead', d.state), e.at,
                iif(d.state = 'pending' AND d.expires_at > unixepoch() * 1000, d.next_at, NULL), d.updated_at
            FROM delivery d JOIN event e ON e.id = d.event_id ORDER BY d.id;
        DROP TABLE delivery;
        ALTER TABLE delivery_wider RENAME TO delivery;
        -- What is due of one endpoint, soonest first, then by id.
        CREATE INDEX delivery_due ON delivery (endpoint_id, next_at) WHERE state = 'pending';
        -- Lists by any filter, newest first: one stretch for each state, class and type that there is.
        CREATE INDEX delivery_by_endpoint ON delivery (endpoint_id, state, status_class, type, created_at);
        CREATE INDEX delivery_by_reseller ON delivery (reseller_id, book, state, status_class, type, created_at);
        CREATE INDEX delivery_by_book ON delivery (book, state, status_class, type, created_at);
        CREATE INDEX delivery_settled ON delivery (updated_at) WHERE state = 'delivered' OR state = 'dropped';
        CREATE INDEX delivery_kept ON delivery (updated_at) WHERE state = 'dead' OR state = 'held';
        CREATE TABLE attempt (
            delivery_id INTEGER NOT NULL REFERENCES delivery(id),
            n INTEGER NOT NULL,
            at INTEGER NOT NULL,
            ms INTEGER NOT NULL,
            outcome TEXT NOT NULL,
            status INTEGER,
            excerpt TEXT,
            address TEXT,
            PRIMARY KEY (delivery_id, n)
        ) STRICT, WITHOUT ROWID;

        """

    /// How many deliveries an endpoint has in each state: told by the rows themselves, whoever changes them.
    private static let counts = """
        CREATE TABLE delivery_count (
            endpoint_id INTEGER NOT NULL REFERENCES webhook_endpoint(id),
            state TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (endpoint_id, state)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO delivery_count SELECT endpoint_id, state, count(*) FROM delivery GROUP BY endpoint_id, state;
        CREATE TRIGGER delivery_is_counted AFTER INSERT ON delivery BEGIN
            INSERT INTO delivery_count VALUES (NEW.endpoint_id, NEW.state, 1)
                ON CONFLICT (endpoint_id, state) DO UPDATE SET count = count + 1;
        END;
        CREATE TRIGGER delivery_is_recounted AFTER UPDATE OF state ON delivery WHEN NEW.state <> OLD.state BEGIN
            UPDATE delivery_count SET count = count - 1 WHERE endpoint_id = OLD.endpoint_id AND state = OLD.state;
            INSERT INTO delivery_count VALUES (NEW.endpoint_id, NEW.state, 1)
                ON CONFLICT (endpoint_id, state) DO UPDATE SET count = count + 1;
        END;
        CREATE TRIGGER delivery_counts_no_more AFTER DELETE ON delivery BEGIN
            UPDATE delivery_count SET count = count - 1 WHERE endpoint_id = OLD.endpoint_id AND state = OLD.state;
        END;
        """
}
