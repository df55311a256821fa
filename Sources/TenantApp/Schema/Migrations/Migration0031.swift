import SQLite

/// Price rows that hold in the test book alone, and who changed which (O1, O4).
enum Migration0031 {
    static let version: Int32 = 31
    static let migration = Migration(version: version, name: "prices of the test book", sql: sql)

    private static let sql = """
        -- A table of its own: no statement about live prices has to know of these.
        CREATE TABLE test_price (
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            product_id INTEGER NOT NULL REFERENCES product(id),
            wholesale_monthly INTEGER CHECK (wholesale_monthly >= 0),
            wholesale_quarterly INTEGER CHECK (wholesale_quarterly >= 0),
            wholesale_semi_annual INTEGER CHECK (wholesale_semi_annual >= 0),
            wholesale_annual INTEGER CHECK (wholesale_annual >= 0),
            wholesale_hourly INTEGER CHECK (wholesale_hourly >= 0),
            wholesale_setup_fee INTEGER CHECK (wholesale_setup_fee >= 0),
            discount_rate_override INTEGER CHECK (discount_rate_override >= 0),
            is_enabled INTEGER NOT NULL CHECK (is_enabled BETWEEN 0 AND 1),
            max_quantity INTEGER CHECK (max_quantity >= 0),
            wholesale_once INTEGER CHECK (wholesale_once >= 0),
            updated_at INTEGER NOT NULL,
            PRIMARY KEY (reseller_id, product_id)
        ) STRICT, WITHOUT ROWID;
        \(Migration0021.changes("test_price_change"))
        """
}
