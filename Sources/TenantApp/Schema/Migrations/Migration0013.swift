import SQLite

/// The hourly units of a reseller are found without its other services: each order of more looks at them (W3).
enum Migration0013 {
    static let version: Int32 = 13
    static let migration = Migration(version: version, name: "hourly units", sql: sql)

    private static let sql = """
        CREATE INDEX service_hourly ON service (reseller_id, book, term_price, discount_rate)
            WHERE term = 'hourly' AND state IN ('pending', 'active', 'past_due');
        """
}
