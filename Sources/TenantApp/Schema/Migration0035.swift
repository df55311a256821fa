import SQLite

/// Reseller and operator may both have a service end (W9, O10): who takes it back leaves the other's word.
enum Migration0035 {
    static let version: Int32 = 35
    static let migration = Migration(version: version, name: "both may end a service", sql: sql)

    private static let sql = """
        -- Of one that the operator has end: the reseller has it end too.
        ALTER TABLE service ADD COLUMN ends_for_reseller INTEGER NOT NULL DEFAULT 0
            CHECK (ends_for_reseller BETWEEN 0 AND 1);
        """
}
