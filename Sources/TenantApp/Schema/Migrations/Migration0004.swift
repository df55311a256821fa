import CallKit
import SQLite

/// Activation codes (A): prices for what is sold once, purchases of codes, codes, end customers and what they
/// redeemed, counts that follow. Purchases, codes and redemptions are vouched for by the audit chain (`VouchedTable`).
enum Migration0004 {
    static let version: Int32 = 4
    static let migration = Migration(version: version, name: "activation codes", sql: sql)

    private static let sql = """
        -- What a product costs that is sold once: for everybody, and in a reseller's own row.
        ALTER TABLE product ADD COLUMN wholesale_price INTEGER;
        ALTER TABLE price ADD COLUMN wholesale_once INTEGER;
        ALTER TABLE price_staging ADD COLUMN wholesale_once INTEGER;
        -- How a key ends, for its mask, where its shape shows that.
        ALTER TABLE api_key ADD COLUMN display_suffix TEXT;

        -- What each reseller was topped up with so far; follows the ledger.
        CREATE TABLE topup_total (
            reseller_id INTEGER NOT NULL,
            book INTEGER NOT NULL,
            total INTEGER NOT NULL,
            PRIMARY KEY (reseller_id, book)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO topup_total (reseller_id, book, total)
            SELECT a.reseller_id, a.book, sum(e.amount)
            FROM posting p CROSS JOIN entry e ON e.posting_id = p.id CROSS JOIN ledger_account a ON a.id = e.account_id
            WHERE p.kind = 'top_up' AND a.kind = 'balance' GROUP BY a.reseller_id, a.book;

        -- One purchase of codes, at the price and for the days of that moment; append-only.
        CREATE TABLE code_batch (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            product_id INTEGER NOT NULL REFERENCES product(id),
            days INTEGER NOT NULL CHECK (days > 0),
            quantity INTEGER NOT NULL CHECK (quantity > 0),
            unit_price INTEGER NOT NULL CHECK (unit_price >= 0),
            total INTEGER NOT NULL CHECK (total >= 0),
            posting_id INTEGER NOT NULL REFERENCES posting(id),
            key_id INTEGER NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE TRIGGER code_batch_is_append_only_update BEFORE UPDATE ON code_batch
            BEGIN SELECT RAISE(ABORT, 'purchases are append-only'); END;
        CREATE TRIGGER code_batch_is_append_only_delete BEFORE DELETE ON code_batch
            BEGIN SELECT RAISE(ABORT, 'purchases are append-only'); END;

        -- A code never changes but for that it was redeemed. `number` counts a reseller's codes of a book from 1.
        CREATE TABLE activation_code (
            id INTEGER PRIMARY KEY,
            batch_id INTEGER NOT NULL REFERENCES code_batch(id),
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            number INTEGER NOT NULL,
            code TEXT NOT NULL UNIQUE,
            redeemed_at INTEGER,
            UNIQUE (reseller_id, book, number)
        ) STRICT;
        CREATE INDEX activation_code_by_batch ON activation_code (batch_id);
        CREATE INDEX activation_code_available ON activation_code (reseller_id, book, number) WHERE redeemed_at IS NULL;
        CREATE INDEX activation_code_redeemed ON activation_code (reseller_id, book, number)
            WHERE redeemed_at IS NOT NULL;
        CREATE TRIGGER activation_code_is_append_only_update
            BEFORE UPDATE OF id, batch_id, book, reseller_id, number, code ON activation_code
            BEGIN SELECT RAISE(ABORT, 'codes do not change'); END;
        CREATE TRIGGER activation_code_is_append_only_redemption BEFORE UPDATE OF redeemed_at ON activation_code
            WHEN OLD.redeemed_at IS NOT NULL
            BEGIN SELECT RAISE(ABORT, 'a code is redeemed once'); END;
        CREATE TRIGGER activation_code_is_append_only_delete BEFORE DELETE ON activation_code
            BEGIN SELECT RAISE(ABORT, 'codes are kept'); END;
        -- Counts of each thousand of a reseller's codes: totals and any page are a few rows away.
        CREATE TABLE code_block (
            reseller_id INTEGER NOT NULL,
            book INTEGER NOT NULL,
            block INTEGER NOT NULL,
            codes INTEGER NOT NULL,
            redeemed INTEGER NOT NULL DEFAULT 0 CHECK (redeemed BETWEEN 0 AND codes),
            PRIMARY KEY (reseller_id, book, block)
        ) STRICT, WITHOUT ROWID;

        -- An end customer: one account with the operator, whoever sold the codes. `ends_at`: of its subscription.
        CREATE TABLE subscriber (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            email TEXT NOT NULL,
            password_hash TEXT NOT NULL,
            ends_at INTEGER,
            created_at INTEGER NOT NULL,
            UNIQUE (book, email)
        ) STRICT;
        -- From when to when a code's days run; append-only.
        CREATE TABLE code_redemption (
            id INTEGER PRIMARY KEY,
            code_id INTEGER NOT NULL UNIQUE REFERENCES activation_code(id),
            subscriber_id INTEGER NOT NULL REFERENCES subscriber(id),
            begins_at INTEGER NOT NULL,
            ends_at INTEGER NOT NULL CHECK (ends_at > begins_at),
            at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX code_redemption_by_subscriber ON code_redemption (subscriber_id, id);
        CREATE TRIGGER code_redemption_is_append_only_update BEFORE UPDATE ON code_redemption
            BEGIN SELECT RAISE(ABORT, 'redemptions are append-only'); END;
        CREATE TRIGGER code_redemption_is_append_only_delete BEFORE DELETE ON code_redemption
            BEGIN SELECT RAISE(ABORT, 'redemptions are append-only'); END;
        """
}
