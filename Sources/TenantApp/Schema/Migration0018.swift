import SQLite

/// Provisioners and their calls, stock that orders take from, details of services (W13, O4, O10).
enum Migration0018 {
    static let version: Int32 = 18
    static let migration = Migration(version: version, name: "provisioning and stock", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
