import SQLite

/// Services by period: one renewal a period, tries of what is past due, hourly charges (W9, W3).
///
/// Services from before begin with the period that their order paid; what they owe since then is charged as missed
/// periods are. Nobody ever charged their hours, so those are counted from the activation.
enum Migration0017 {
    static let version: Int32 = 17
    static let migration = Migration(version: version, name: "periods", sql: sql)

    private static let sql = """
        -- When its first period began: every other is computed from here, never from the one before.
        ALTER TABLE service ADD COLUMN anchor_at INTEGER;
        -- The number of the period that is paid; of an hourly term, how many charges there were.
        ALTER TABLE service ADD COLUMN period INTEGER NOT NULL DEFAULT 0 CHECK (period >= 0);
        -- What the periods after that one cost, where an operator has changed it.
        ALTER TABLE service ADD COLUMN next_term_price INTEGER CHECK (next_term_price >= 0);
        ALTER TABLE service ADD COLUMN past_due_since INTEGER;
        ALTER TABLE service ADD COLUMN suspended_by TEXT
            CHECK (suspended_by IS NULL OR suspended_by = 'unpaid' OR suspended_by = 'operator');
        ALTER TABLE service ADD COLUMN ended_by TEXT
            CHECK (ended_by IS NULL OR ended_by = 'reseller' OR ended_by = 'operator');
        -- When something happens to it by itself: a notice, a charge, a try.
        ALTER TABLE service ADD COLUMN next_at INTEGER;
        -- No notice is owed for the next period.
        ALTER TABLE service ADD COLUMN is_announced INTEGER NOT NULL DEFAULT 0
            CHECK (is_announced BETWEEN 0 AND 1);
        -- Of an hourly term: the end of the last hour that was counted, and how many were.
        ALTER TABLE service ADD COLUMN accrues_from INTEGER;
        ALTER TABLE service ADD COLUMN accrued_hours INTEGER NOT NULL DEFAULT 0 CHECK (accrued_hours >= 0);

        UPDATE service SET anchor_at = activated_at,
            accrues_from = iif(term = 'hourly', activated_at, NULL),
            is_announced = iif(term = 'hourly', 1, 0),
            suspended_by = iif(state = 'suspended', 'operator', NULL),
            ended_by = iif(ends_at IS NOT NULL, 'operator', NULL),
            next_at = iif(state = 'active', iif(term = 'hourly', renews_at, renews_at - 259200000), NULL)
            WHERE activated_at IS NOT NULL;

        DROP INDEX service_renewals;
        CREATE INDEX service_renewals ON service (next_at, id)
            WHERE next_at IS NOT NULL AND is_announced = 1 AND term <> 'hourly';
        CREATE INDEX service_notices ON service (next_at, id)
            WHERE next_at IS NOT NULL AND is_announced = 0 AND term <> 'hourly';
        CREATE INDEX service_accruals ON service (next_at, id) WHERE next_at IS NOT NULL AND term = 'hourly';
        CREATE INDEX service_ends ON service (ends_at, id)
            WHERE ends_at IS NOT NULL AND state IN ('active', 'past_due', 'suspended');
        CREATE INDEX service_unpaid ON service (reseller_id, coalesce(renews_at, past_due_since), id)
            WHERE past_due_since IS NOT NULL;

        CREATE TABLE renewal (
            service_id INTEGER NOT NULL REFERENCES service(id),
            period INTEGER NOT NULL CHECK (period > 0),
            book INTEGER NOT NULL CHECK (book BETWEEN 0 AND 1),
            begins_at INTEGER NOT NULL,
            ends_at INTEGER NOT NULL,
            -- What the period costs; the posting of the test book moves nothing all the same.
            amount INTEGER NOT NULL CHECK (amount >= 0),
            posting_id INTEGER NOT NULL REFERENCES posting(id),
            at INTEGER NOT NULL,
            PRIMARY KEY (service_id, period)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER renewal_is_append_only_update BEFORE UPDATE ON renewal
            BEGIN SELECT RAISE(ABORT, 'renewals are append-only'); END;
        CREATE TRIGGER renewal_is_append_only_delete BEFORE DELETE ON renewal
            BEGIN SELECT RAISE(ABORT, 'renewals are append-only'); END;

        -- Hours, what they come to, and what was charged: all of them so far, so that each charge is a difference.
        CREATE TABLE hourly_charge (
            service_id INTEGER NOT NULL REFERENCES service(id),
            n INTEGER NOT NULL CHECK (n > 0),
            book INTEGER NOT NULL CHECK (book BETWEEN 0 AND 1),
            until INTEGER NOT NULL,
            hours INTEGER NOT NULL CHECK (hours > 0),
            term_price INTEGER NOT NULL CHECK (term_price >= 0),
            -- In micros, and millionths of one beyond.
            accrued INTEGER NOT NULL CHECK (accrued >= 0),
            accrued_rest INTEGER NOT NULL CHECK (accrued_rest BETWEEN 0 AND 999999),
            amount INTEGER NOT NULL CHECK (amount >= 0),
            charged INTEGER NOT NULL CHECK (charged >= amount),
            posting_id INTEGER NOT NULL REFERENCES posting(id),
            at INTEGER NOT NULL,
            PRIMARY KEY (service_id, n)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER hourly_charge_is_append_only_update BEFORE UPDATE ON hourly_charge
            BEGIN SELECT RAISE(ABORT, 'hourly charges are append-only'); END;
        CREATE TRIGGER hourly_charge_is_append_only_delete BEFORE DELETE ON hourly_charge
            BEGIN SELECT RAISE(ABORT, 'hourly charges are append-only'); END;

        -- Prices that an operator changed, from a period on.
        CREATE TABLE repricing (
            id INTEGER PRIMARY KEY,
            service_id INTEGER NOT NULL REFERENCES service(id),
            period INTEGER NOT NULL CHECK (period > 0),
            term_price INTEGER NOT NULL CHECK (term_price >= 0),
            at INTEGER NOT NULL,
            key_id INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX repricing_by_service ON repricing (service_id, id);
        CREATE TRIGGER repricing_is_append_only_update BEFORE UPDATE ON repricing
            BEGIN SELECT RAISE(ABORT, 'repricings are append-only'); END;
        CREATE TRIGGER repricing_is_append_only_delete BEFORE DELETE ON repricing
            BEGIN SELECT RAISE(ABORT, 'repricings are append-only'); END;

        -- Resellers whose money came in while more was due than one transaction pays: from which service on.
        CREATE TABLE payable (
            reseller_id INTEGER PRIMARY KEY REFERENCES reseller(id),
            due_at INTEGER NOT NULL,
            service_id INTEGER NOT NULL
        ) STRICT;

        PRAGMA ignore_check_constraints=ON;
        ALTER TABLE posting DROP COLUMN checked;
        ALTER TABLE posting ADD COLUMN checked ANY AS (NULL) VIRTUAL CHECK (
            book BETWEEN 0 AND 1 AND (kind = 'order' OR kind = 'hold' OR kind = 'capture' OR kind = 'void'
            OR kind = 'port' OR kind = 'codes' OR kind = 'transfer' OR kind = 'top_up' OR kind = 'correction'
            OR kind = 'renewal' OR kind = 'hourly'));
        PRAGMA ignore_check_constraints=OFF;
        """
}
