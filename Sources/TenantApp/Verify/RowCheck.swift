import CallKit
import SQLite
import TenantRegistry

/// Every row means something: it is read as the gateway reads it, and columns with few values hold none but those. What
/// a call would fail at is named here.
enum RowCheck {
    static func run(_ file: inout VerifiedFile) throws {
        var sweep = RowSweep()
        for (table, column, values) in fewValues {
            try sweep.take(column, of: table, oneOf: values, &file)
        }
        try readAccounts(&sweep, &file)
        try readOrders(&sweep, &file)
        try readCredits(&sweep, &file)
        try readPorts(&sweep, &file)
        try readCodes(&sweep, &file)
        try readPayments(&sweep, &file)
        try readProvisioning(&sweep, &file)
        try readTexts(&sweep, &file)
    }

    /// Every text, whoever reads it: one that is no UTF-8 fails the call that comes to it. The audit log is read as it
    /// is.
    private static func readTexts(_ sweep: inout RowSweep, _ file: inout VerifiedFile) throws {
        let tables = try file.connection.rows(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'audit' ORDER BY name"
        ) { try $0.text() }
        for table in tables { try sweep.takeTexts(of: table, &file) }
    }

    /// What the rules of `Migration0007` are about, in files of any schema.
    private static let fewValues: [(table: String, column: String, values: String)] =
        [
            "api_key", "customer", "orders", "service", "holding", "ledger_account", "posting", "idempotency",
            "webhook_endpoint", "event", "licence", "panel_user", "credit_event", "reconciliation", "account_review",
            "port_device", "port_slot", "port_pricebook", "port_country_override", "port", "customer_transfer",
            "topup_total", "renewal", "hourly_charge", "refund", "code_batch", "activation_code", "code_block",
            "subscriber",
            "payment", "provisioning",
            "stock_item", "licence_withdrawal", "replay",
        ].map { ($0, "book", "0, 1") } + [
            ("account", "role", "0, 1, 2, 3"), ("posting", "kind", names(PostingKind.self)),
            ("event", "type", names(EventType.self)), ("service", "term", names(Term.self)),
            ("idempotency", "content_type", quoted(StoredAnswer.contentTypes)),
        ]

    private static func names<Value: CaseIterable & RawRepresentable>(
        _ type: Value.Type
    ) -> String where Value.RawValue == String { quoted(type.allCases.map(\.rawValue)) }

    private static func quoted(_ values: [String]) -> String {
        values.map { "'\($0)'" }.joined(separator: ", ")
    }

    private static func readAccounts(_ sweep: inout RowSweep, _ file: inout VerifiedFile) throws {
        try sweep.take(Reseller.columns, from: "reseller", since: Migration0014.version, &file, Reseller.init)
        try sweep.take(Account.columns, from: "account", since: Migration0019.version, &file, Account.init)
        try sweep.take(APIKey.columns, from: "api_key", since: Migration0004.version, &file, APIKey.init)
        for (table, period) in [("usage_hour", "hour"), ("usage_day", "day")] {
            try sweep.take(
                UsageRow.columns(of: period), from: table, since: Migration0024.version, &file, UsageRow.init)
        }
        try sweep.take(StoredAnswer.columns, from: "idempotency", &file, StoredAnswer.init)
        try sweep.take(
            AuditRow.columns, from: "audit WHERE kind <> \(AuditChain.Kind.rows.rawValue)", &file, AuditRow.init)
    }

    private static func readOrders(_ sweep: inout RowSweep, _ file: inout VerifiedFile) throws {
        try sweep.take(Product.columns, from: "product", since: Migration0021.version, &file, Product.init)
        for (book, since, sinceChanges) in [
            (Book.live, Migration0004.version, Migration0021.version),
            (Book.test, Migration0031.version, Migration0031.version),
        ] {
            try sweep.take(
                PriceBookRow.columns, from: PriceBookRow.tables(in: book), since: since, &file, PriceBookRow.init)
            try sweep.take(
                PriceChange.columns, from: PriceChange.tables(in: book), since: sinceChanges, &file, PriceChange.init)
        }
        try sweep.take(
            LimitChange.columns, from: LimitChange.tables, since: Migration0027.version, &file, LimitChange.init)
        try sweep.take(Customer.columns, from: "customer", &file, Customer.init)
        try sweep.take(Order.columns, from: Order.tables, since: Migration0023.version, &file, Order.init)
        try sweep.take(Refund.columns, from: Refund.tables, since: Migration0023.version, &file, Refund.init)
        try sweep.take(Service.columns, from: Service.tables, since: Migration0017.version, &file, Service.init)
        let since = Migration0015.version
        try sweep.take(
            WebhookEndpoint.columns, from: "webhook_endpoint", since: Migration0030.version, &file,
            WebhookEndpoint.init)
        let sinceReplays = Migration0026.version
        try sweep.take(
            EndpointHealth.columns, from: "endpoint_health", since: sinceReplays, &file, EndpointHealth.init)
        try sweep.take(Replay.columns, from: Replay.tables, since: sinceReplays, &file, Replay.init)
        try sweep.take(Delivery.columns, from: Delivery.tables, since: since, &file, Delivery.init)
        try sweep.take(Attempt.columns, from: "attempt", since: since, &file, Attempt.init)
    }

    private static func readCredits(_ sweep: inout RowSweep, _ file: inout VerifiedFile) throws {
        let since = Migration0002.version
        try sweep.take(Licence.columns, from: Licence.tables, since: since, &file, Licence.init)
        try sweep.take(
            LicenceWithdrawal.columns, from: LicenceWithdrawal.tables, since: Migration0022.version, &file,
            LicenceWithdrawal.init)
        try sweep.take(CreditEvent.columns, from: "credit_event", since: since, &file, CreditEvent.init)
        try sweep.take(CreditDifference.columns, from: "credit_difference", since: since, &file, CreditDifference.init)
        try sweep.take(
            StoredReconciliation.columns, from: StoredReconciliation.tables, since: since, &file,
            StoredReconciliation.init)
        try sweep.take(AccountReview.columns, from: AccountReview.tables, since: since, &file, AccountReview.init)
    }

    private static func readPorts(_ sweep: inout RowSweep, _ file: inout VerifiedFile) throws {
        let since = Migration0003.version
        // What is due is asked of the file's own present.
        let now = SQLValue.time(file.endsAt)
        try sweep.take(PortCountry.columns, from: "port_country", since: since, &file, PortCountry.init)
        try sweep.take(PortDevice.columns, from: "port_device", since: since, &file, PortDevice.init)
        try sweep.take(
            PortSlot.columns, from: PortSlot.tables, since: Migration0022.version, &file, PortSlot.init)
        try sweep.take(
            StockedDevice.columns, from: StockedDevice.tables, since: Migration0022.version, &file, StockedDevice.init)
        try sweep.take(
            PortCustomer.columns, from: PortCustomer.tables, since: Migration0014.version, bound: [now], &file,
            PortCustomer.init)
        try sweep.take(PortPricebook.columns, from: "port_pricebook", since: since, &file, PortPricebook.init)
        try sweep.take(CountryOverride.columns, from: CountryOverride.tables, since: since, &file, CountryOverride.init)
        try sweep.take(
            Port.columns, from: Port.tables, since: Migration0014.version, bound: [now], &file, Port.init)
        try sweep.take(CustomerTransfer.columns, from: "customer_transfer", since: since, &file, CustomerTransfer.init)
    }

    private static func readCodes(_ sweep: inout RowSweep, _ file: inout VerifiedFile) throws {
        let since = Migration0004.version
        try sweep.take(
            ActivationCode.columns, from: "activation_code c \(ActivationCode.joins)", since: since, &file,
            ActivationCode.init)
        try sweep.take(Subscriber.columns, from: "subscriber", since: since, &file, Subscriber.init)
    }

    private static func readPayments(_ sweep: inout RowSweep, _ file: inout VerifiedFile) throws {
        let since = Migration0005.version
        try sweep.take(Payment.columns, from: Payment.tables, since: since, &file, Payment.init)
        try sweep.take(PaymentService.columns, from: "payment_service", since: since, &file, PaymentService.init)
    }

    private static func readProvisioning(_ sweep: inout RowSweep, _ file: inout VerifiedFile) throws {
        let since = Migration0018.version
        try sweep.take(Provisioner.columns, from: "provisioner", since: since, &file, Provisioner.init)
        try sweep.take(Provisioning.columns, from: Provisioning.tables, since: since, &file, Provisioning.init)
        try sweep.take(StockItem.columns, from: StockItem.tables, since: since, &file, StockItem.init)
    }
}

/// Reads tables whole and tells each fault once, however many rows lead to it.
struct RowSweep {
    private var told: Set<String> = []

    /// Every row of a SELECT list, as `read` reads it; `since`: the schema from which on files have all of its columns.
    mutating func take<Row>(
        _ columns: Columns<Row>, from tables: String, since: Int32 = 1, bound values: [SQLValue] = [],
        _ file: inout VerifiedFile, _ read: (inout RowReader) throws -> Row
    ) throws {
        guard file.version >= since else { return }
        try file.connection.forEach(dynamic: "SELECT \(columns) FROM \(tables)", values) { row in
            do {
                _ = try read(&row)
                row.end()
            } catch let corrupt as CorruptRow {
                tell(corrupt, &file)
            }
            return true
        }
    }

    /// The rows whose column is none of a few values.
    mutating func take(
        _ column: String, of table: String, oneOf values: String, _ file: inout VerifiedFile
    ) throws {
        let key = try Self.key(of: table, file)
        let isThere = try file.connection.exists("SELECT 1 FROM pragma_table_info(?1)", .text(table))
        // The table is younger than the file.
        guard isThere else { return }
        let list = (key + [column]).joined(separator: ", ")
        let columns = Int32(key.count + 1)
        try file.connection.forEach(dynamic: "SELECT \(list) FROM \(table) WHERE \(column) NOT IN (\(values))") { row in
            row.skip(columns)
            if let corrupt = row.corrupt() as? CorruptRow { tell(corrupt, &file) }
            return true
        }
    }

    /// Every row of a table, as far as it is texts.
    mutating func takeTexts(of table: String, _ file: inout VerifiedFile) throws {
        let texts = try file.connection.rows(
            dynamic: "SELECT name FROM pragma_table_info(?1) WHERE type = 'TEXT' ORDER BY cid", [.text(table)]
        ) { try $0.text() }
        guard !texts.isEmpty else { return }
        let key = try Self.key(of: table, file)
        let keys = Int32(key.count)
        let list = (key + texts).joined(separator: ", ")
        try file.connection.forEach(dynamic: "SELECT \(list) FROM \(table)") { row in
            row.skip(keys)
            do {
                for _ in texts { _ = try row.optionalText() }
            } catch let corrupt as CorruptRow {
                tell(corrupt, &file)
            }
            return true
        }
    }

    /// The columns that tell a table's rows apart.
    private static func key(of table: String, _ file: VerifiedFile) throws -> [String] {
        let key = try file.connection.rows(
            dynamic: "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk", [.text(table)]
        ) { try $0.text() }
        return key.isEmpty ? ["rowid"] : key
    }

    private mutating func tell(_ corrupt: CorruptRow, _ file: inout VerifiedFile) {
        guard told.count < VerificationReport.findingsMax, told.insert("\(corrupt)").inserted else { return }
        file.report.add(corrupt)
    }
}
