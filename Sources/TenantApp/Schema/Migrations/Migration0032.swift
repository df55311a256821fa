import SQLite

/// What operators changed is found among everything that was done (O6), and what a stock has sold is counted by product
/// (O4): each by an index of its own.
enum Migration0032 {
    static let version: Int32 = 32
    static let migration = Migration(version: version, name: "operators' changes and what stocks sell", sql: sql)

    private static let sql = """
        CREATE INDEX \(AuditFilter.operatorIndex) ON audit (seq) WHERE \(AuditFilter.byOperator);
        CREATE INDEX stock_item_sold ON stock_item (book, product_id, sold_at) WHERE sold_at IS NOT NULL;
        CREATE INDEX licence_assigned ON licence (book, product_id, assigned_at) WHERE assigned_at IS NOT NULL;
        CREATE INDEX licence_free ON licence (book, product_id, expires_at, reseller_id) WHERE assigned_at IS NULL;
        """
}
