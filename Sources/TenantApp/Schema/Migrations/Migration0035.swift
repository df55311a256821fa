import SQLite

/// Reseller and operator may both have a service end (W9, O10): who takes it back leaves the other's word. A top-up
/// whose money came before its call was answered is found by its Idempotency-Key (W6).
enum Migration0035 {
    static let version: Int32 = 35
    static let migration = Migration(
        version: version, name: "both may end a service; payments paid before their answer", sql: sql)

    private static let sql = """
        -- Of one that the operator has end: the reseller has it end too.
        ALTER TABLE service ADD COLUMN ends_for_reseller INTEGER NOT NULL DEFAULT 0
            CHECK (ends_for_reseller BETWEEN 0 AND 1);
        DROP INDEX payment_unfinished;
        CREATE INDEX payment_unfinished ON payment (reseller_id, book, idempotency_key)
            WHERE idempotency_key IS NOT NULL AND payment_url IS NULL AND state IN ('pending', 'confirmed');
        """
}
