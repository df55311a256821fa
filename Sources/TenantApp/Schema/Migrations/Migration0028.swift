import SQLite

/// Whose rows a fork's chain begins with (B2).
enum Migration0028 {
    static let version: Int32 = 28
    static let migration = Migration(version: version, name: "lineage of forks", sql: sql)

    private static let sql = """
        -- `id:key:row` of each tenant under whose id rows up to that one were chained, a space between; null in a file
        -- that was never another tenant's.
        ALTER TABLE meta ADD COLUMN lineage TEXT;
        """
}
