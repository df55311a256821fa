import SQLite

/// List prices, and who changed which price (O4).
enum Migration0021 {
    static let version: Int32 = 21
    static let migration = Migration(version: version, name: "list prices and price history", sql: sql)

    private static let sql = """
        -- What the test book sells a product for where no reseller has a price of its own.
        ALTER TABLE product ADD COLUMN list_monthly INTEGER CHECK (list_monthly >= 0);
        ALTER TABLE product ADD COLUMN list_quarterly INTEGER CHECK (list_quarterly >= 0);
        ALTER TABLE product ADD COLUMN list_semi_annual INTEGER CHECK (list_semi_annual >= 0);
        ALTER TABLE product ADD COLUMN list_annual INTEGER CHECK (list_annual >= 0);
        ALTER TABLE product ADD COLUMN list_hourly INTEGER CHECK (list_hourly >= 0);
        ALTER TABLE product ADD COLUMN list_setup_fee INTEGER CHECK (list_setup_fee >= 0);

        -- What a price row said before a change and says since; where `is_enabled` is null there was none, or is none.
        \(changes("price_change"))
        -- Rows from before: how they came about nobody knows any more.
        INSERT INTO price_change (reseller_id, product_id, at, way, key_id, account_id, request_id, \(names("new_")))
            SELECT reseller_id, product_id, updated_at, 'earlier', 0, 0, zeroblob(16), \(names(""))
            FROM price ORDER BY updated_at, reseller_id, product_id;

        -- Counts the changes of the catalogue, so that a file that was tried is applied to what it was tried on.
        CREATE TABLE product_revision (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            n INTEGER NOT NULL CHECK (n BETWEEN 0 AND 281474976710655)
        ) STRICT;
        INSERT INTO product_revision VALUES (1, 0);
        CREATE TRIGGER product_revision_insert AFTER INSERT ON product
            BEGIN UPDATE product_revision SET n = (n + 1) % 281474976710656; END;
        CREATE TRIGGER product_revision_update AFTER UPDATE ON product
            BEGIN UPDATE product_revision SET n = (n + 1) % 281474976710656; END;
        -- Products on their way in, row by row, applied at once.
        CREATE TABLE product_staging (
            import_id INTEGER NOT NULL,
            line INTEGER NOT NULL,
            sku TEXT NOT NULL,
            name TEXT, fulfilment TEXT, hidden INTEGER, days INTEGER, retail_price INTEGER, wholesale_price INTEGER,
            list_monthly INTEGER, list_quarterly INTEGER, list_semi_annual INTEGER, list_annual INTEGER,
            list_hourly INTEGER, list_setup_fee INTEGER,
            PRIMARY KEY (import_id, line)
        ) STRICT, WITHOUT ROWID;
        """

    /// A table of changes of price rows.
    static func changes(_ table: String) -> String {
        """
        CREATE TABLE \(table) (
            id INTEGER PRIMARY KEY,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            product_id INTEGER NOT NULL REFERENCES product(id),
            at INTEGER NOT NULL,
            way TEXT NOT NULL CHECK (
                way = 'call' OR way = 'file' OR way = 'setup' OR way = 'restore' OR way = 'earlier'),
            -- 0 where nobody's key wrote it.
            key_id INTEGER NOT NULL,
            account_id INTEGER NOT NULL,
            request_id BLOB NOT NULL CHECK (length(request_id) = 16),
            \(sides)
        ) STRICT;
        CREATE INDEX \(table)_by_row ON \(table) (reseller_id, product_id, id);
        CREATE INDEX \(table)_by_product ON \(table) (product_id, id);
        CREATE INDEX \(table)_by_time ON \(table) (at, id);
        CREATE TRIGGER \(table)_is_append_only_update BEFORE UPDATE ON \(table)
            BEGIN SELECT RAISE(ABORT, 'price changes are append-only'); END;
        CREATE TRIGGER \(table)_is_append_only_delete BEFORE DELETE ON \(table)
            BEGIN SELECT RAISE(ABORT, 'price changes are append-only'); END;
        """
    }

    /// The columns of a price row, as this schema has them.
    private static let price = [
        "wholesale_monthly", "wholesale_quarterly", "wholesale_semi_annual", "wholesale_annual", "wholesale_hourly",
        "wholesale_setup_fee", "discount_rate_override", "is_enabled", "max_quantity", "wholesale_once",
    ]

    private static func names(_ prefix: String) -> String { price.map { prefix + $0 }.joined(separator: ", ") }

    private static let sides = ["old_", "new_"].flatMap { side in price.map { "\(side)\($0) INTEGER" } }
        .joined(separator: ", ")
}
