import CallKit
import SQLite
import TenantRegistry

/// Licence keys in stock and to whom they went; credit reports with users, reviews and reconciliations (L, C, O8,
/// O9). What the audit chain vouches for, row by row, is append-only (`VouchedTable`).
enum Migration0002 {
    static let version: Int32 = 2
    static let migration = Migration(version: version, name: "licences and credit reports", sql: sql)

    private static let sql = """
        -- A licence never changes but for its hold, its place in the draw and that it has gone.
        CREATE TABLE licence (
            id INTEGER PRIMARY KEY,
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            product_id INTEGER NOT NULL REFERENCES product(id),
            key TEXT NOT NULL,
            expires_at INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            -- A random number, drawn anew at each hold: a pick begins at a random place among them.
            lot INTEGER NOT NULL,
            held_until INTEGER NOT NULL DEFAULT 0,
            assigned_at INTEGER,
            UNIQUE (book, key)
        ) STRICT;
        CREATE INDEX licence_by_reseller ON licence (reseller_id, book, id);
        CREATE INDEX licence_unassigned ON licence (reseller_id, book, id) WHERE assigned_at IS NULL;
        CREATE INDEX licence_draw ON licence (reseller_id, book, lot, expires_at, held_until) WHERE assigned_at IS NULL;
        CREATE TRIGGER licence_is_append_only_update
            BEFORE UPDATE OF id, book, reseller_id, product_id, key, expires_at, created_at ON licence
            BEGIN SELECT RAISE(ABORT, 'licences do not change'); END;
        CREATE TRIGGER licence_is_append_only_assignment BEFORE UPDATE OF assigned_at ON licence
            WHEN OLD.assigned_at IS NOT NULL
            BEGIN SELECT RAISE(ABORT, 'a licence is assigned once'); END;
        CREATE TRIGGER licence_is_append_only_delete BEFORE DELETE ON licence
            BEGIN SELECT RAISE(ABORT, 'licences are kept'); END;
        CREATE TABLE licence_assignment (
            id INTEGER PRIMARY KEY,
            licence_id INTEGER NOT NULL UNIQUE REFERENCES licence(id),
            discord_user_id TEXT NOT NULL,
            at INTEGER NOT NULL,
            key_id INTEGER NOT NULL
        ) STRICT;
        CREATE TRIGGER licence_assignment_is_append_only_update BEFORE UPDATE ON licence_assignment
            BEGIN SELECT RAISE(ABORT, 'assignments are append-only'); END;
        CREATE TRIGGER licence_assignment_is_append_only_delete BEFORE DELETE ON licence_assignment
            BEGIN SELECT RAISE(ABORT, 'assignments are append-only'); END;
        -- Stock on its way in, row by row, applied at once.
        CREATE TABLE licence_staging (
            import_id INTEGER NOT NULL,
            place INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL,
            product_id INTEGER NOT NULL,
            key TEXT NOT NULL,
            expires_at INTEGER NOT NULL,
            lot INTEGER NOT NULL,
            PRIMARY KEY (import_id, place)
        ) STRICT, WITHOUT ROWID;

        -- People whom resellers signed up on the operator's panel.
        CREATE TABLE panel_user (
            id INTEGER PRIMARY KEY,
            book INTEGER NOT NULL,
            email TEXT NOT NULL,
            name TEXT NOT NULL,
            password_hash TEXT NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            signed_up_via INTEGER NOT NULL REFERENCES api_key(id),
            created_at INTEGER NOT NULL,
            UNIQUE (book, email)
        ) STRICT;
        CREATE INDEX panel_user_by_key ON panel_user (signed_up_via, id);

        -- What resellers reported. `content` is a digest of kind, amount and meta, by which a repeat is told from a change.
        CREATE TABLE credit_event (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            key_id INTEGER NOT NULL REFERENCES api_key(id),
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            kind TEXT NOT NULL CHECK (kind = 'topup' OR kind = 'purchase' OR kind = 'renewal'),
            amount INTEGER NOT NULL CHECK (amount > 0),
            external_ref TEXT NOT NULL,
            meta TEXT,
            content BLOB NOT NULL,
            at INTEGER NOT NULL,
            UNIQUE (key_id, book, external_ref)
        ) STRICT;
        CREATE INDEX credit_event_by_reseller ON credit_event (reseller_id, book, id);
        CREATE INDEX credit_event_by_ref ON credit_event (reseller_id, book, external_ref, id);
        CREATE TRIGGER credit_event_is_append_only_update BEFORE UPDATE ON credit_event
            BEGIN SELECT RAISE(ABORT, 'credit events are append-only'); END;
        CREATE TRIGGER credit_event_is_append_only_delete BEFORE DELETE ON credit_event
            BEGIN SELECT RAISE(ABORT, 'credit events are append-only'); END;
        -- The same reference with another content, each content once.
        CREATE TABLE credit_difference (
            id INTEGER PRIMARY KEY,
            event_id INTEGER NOT NULL REFERENCES credit_event(id),
            kind TEXT NOT NULL,
            amount INTEGER NOT NULL,
            meta TEXT,
            content BLOB NOT NULL,
            at INTEGER NOT NULL,
            UNIQUE (event_id, content)
        ) STRICT;
        CREATE TRIGGER credit_difference_is_append_only_update BEFORE UPDATE ON credit_difference
            BEGIN SELECT RAISE(ABORT, 'differences are append-only'); END;
        CREATE TRIGGER credit_difference_is_append_only_delete BEFORE DELETE ON credit_difference
            BEGIN SELECT RAISE(ABORT, 'differences are append-only'); END;

        CREATE TABLE reconciliation (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            account_id INTEGER NOT NULL,
            agrees INTEGER NOT NULL,
            report TEXT NOT NULL,
            at INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE account_review (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            cause TEXT NOT NULL CHECK (cause IN ('credit_difference', 'reconciliation')),
            -- The public id of the event or the reconciliation that it is about.
            subject TEXT NOT NULL,
            opened_at INTEGER NOT NULL,
            closed_at INTEGER,
            closed_by INTEGER,
            note TEXT
        ) STRICT;
        CREATE INDEX account_review_open ON account_review (subject) WHERE closed_at IS NULL;
        CREATE INDEX account_review_by_reseller ON account_review (reseller_id, id);
        """
}
