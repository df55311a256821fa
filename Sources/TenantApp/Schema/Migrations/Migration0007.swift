import SQLite

/// Columns with few values hold none but those. A table cannot be given a CHECK, but a column that is added can bring
/// one that speaks of the others: `checked` is computed, always NULL and nowhere on the disk. Another rule drops it and
/// adds it anew, which rewrites no row either.
///
/// A row that breaks a rule already does not keep the file from being opened: whatever reads it is told (`CorruptRow`),
/// and `verify` names it.
enum Migration0007 {
    static let version: Int32 = 7
    static let migration = Migration(version: version, name: "few values", sql: sql)

    /// Without the audit log: its rows are vouched for by their hashes, and it is the longest table by far. Event types
    /// are not few: each feature brings some.
    static let rules: [(table: String, rule: String)] = [
        ("account", "role BETWEEN 0 AND 2"),
        ("api_key", "role BETWEEN 0 AND 5 AND \(book)"),
        ("reseller", "state BETWEEN 0 AND 3 AND api_access BETWEEN 0 AND 1"),
        (
            "product",
            """
            (fulfilment = 'instant' OR fulfilment = 'manual' OR fulfilment = 'http' OR fulfilment = 'stock') \
            AND hidden BETWEEN 0 AND 1
            """
        ),
        ("price", "is_enabled BETWEEN 0 AND 1"),
        ("customer", book),
        ("orders", "\(book) AND \(term)"),
        ("service", "\(book) AND \(term)"),
        ("holding", book),
        ("ledger_account", book),
        (
            "posting",
            """
            \(book) AND (kind = 'order' OR kind = 'hold' OR kind = 'capture' OR kind = 'void' OR kind = 'port' \
            OR kind = 'codes' OR kind = 'transfer' OR kind = 'top_up' OR kind = 'correction' OR kind = 'renewal')
            """
        ),
        ("idempotency", book),
        ("webhook_endpoint", "\(book) AND is_enabled BETWEEN 0 AND 1"),
        ("event", book),
        ("licence", book),
        ("panel_user", book),
        ("credit_event", book),
        ("credit_difference", "kind = 'topup' OR kind = 'purchase' OR kind = 'renewal'"),
        ("reconciliation", "\(book) AND agrees BETWEEN 0 AND 1"),
        ("account_review", book),
        ("port_device", "\(book) AND exclusive_capable BETWEEN 0 AND 1"),
        ("port_slot", book),
        ("port_customer", "is_active BETWEEN 0 AND 1"),
        ("port_pricebook", book),
        ("port_country_override", book),
        ("port", "\(book) AND is_exclusive BETWEEN 0 AND 1 AND is_private BETWEEN 0 AND 1"),
        ("customer_transfer", book),
        ("topup_total", book),
        ("code_batch", book),
        ("activation_code", book),
        ("code_block", book),
        ("subscriber", book),
        ("payment", book),
    ]

    private static let book = "book BETWEEN 0 AND 1"
    private static let term = """
        (term = 'monthly' OR term = 'quarterly' OR term = 'semi_annual' OR term = 'annual' OR term = 'hourly')
        """

    // The rows that are there are read for it once, and not judged.
    private static let sql =
        "PRAGMA ignore_check_constraints=ON;\n"
        + rules.map { table, rule in
            "ALTER TABLE \(table) ADD COLUMN checked ANY AS (NULL) VIRTUAL CHECK (\(rule));\n"
        }.joined()
        + "PRAGMA ignore_check_constraints=OFF;\n"
}
