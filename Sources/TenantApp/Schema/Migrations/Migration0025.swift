import SQLite

/// A reseller's services by their state, and when they renew (U3).
enum Migration0025 {
    static let version: Int32 = 25
    static let migration = Migration(version: version, name: "services by state", sql: sql)

    private static let sql = """
        CREATE INDEX service_by_state ON service (reseller_id, book, state, renews_at);
        """
}
