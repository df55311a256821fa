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
        """
}
