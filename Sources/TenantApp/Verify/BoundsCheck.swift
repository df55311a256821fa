import CallKit
import SQLite
import TenantRegistry

/// Numbers that nothing else proves lie where numbers of theirs can lie, so that whatever is counted or timed on from
/// them is a number too. Rows that the chain vouches for say what a gateway wrote.
enum BoundsCheck {
    private static let counts = TenantStore.counters
    private static let money: ClosedRange<Int64> = -(1 << 62)...1 << 62
    private static let any: ClosedRange<Int64> = .min ... .max

    /// What is no count, no id and no time.
    private static let others: [String: ClosedRange<Int64>] = [
        "licence.lot": any, "licence_staging.lot": any, "entry.amount": money, "entry.balance_after": money,
        "ledger_account.balance": money, "orders.term_price": money, "orders.line_total": money,
        "orders.setup_total": money, "orders.wholesale_total": money, "service.term_price": money,
        "topup_total.total": money, "code_batch.unit_price": money, "code_batch.total": money,
        "service.next_term_price": money, "renewal.amount": money, "hourly_charge.term_price": money,
        "hourly_charge.accrued": money, "hourly_charge.amount": money, "hourly_charge.charged": money,
        "repricing.term_price": money, "credit_event.amount": money, "credit_difference.amount": money,
    ].merging(
        [
            "ordered", "renewed", "hourly", "ports", "codes", "refunded", "placed", "captured", "voided", "topped_up",
            "corrected", "transferred", "balance", "held",
        ].map { ("day_total.\($0)", money) }, uniquingKeysWith: { $1 })

    static func run(_ file: inout VerifiedFile) throws {
        let tables = try file.connection.rows(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'audit' ORDER BY name"
        ) { try $0.text() }
        let vouched = file.version >= Migration0010.version ? Set(VouchedStates.tables) : []
        for table in tables where !vouched.contains(table) { try check(table, &file) }
    }

    private static func check(_ table: String, _ file: inout VerifiedFile) throws {
        let shape = try RowShape(of: table, in: file.connection)
        let columns = try file.connection.rows(
            dynamic: "SELECT name FROM pragma_table_info(?1) WHERE type = 'INTEGER' ORDER BY cid", [.text(table)]
        ) { try $0.text() }
        let bounds = columns.map { (name: $0, range: others["\(table).\($0)"] ?? counts) }
        guard !bounds.isEmpty else { return }
        let outside = bounds.map { "\($0.name) < \($0.range.lowerBound) OR \($0.name) > \($0.range.upperBound)" }
        let list = (shape.key + columns).joined(separator: ", ")
        let connection = file.connection
        try connection.forEach(
            dynamic: "SELECT \(list) FROM \(table) WHERE \(outside.joined(separator: " OR "))"
        ) { row in
            var key: [UInt8] = []
            row.canonical(shape.key.count, into: &key)
            for bound in bounds {
                guard let value = try row.optionalInt(), !bound.range.contains(value) else { continue }
                let (id, place) = VouchedStateWalk.place(shape, key)
                file.report.add(
                    .structure, table, id, "\(place)Its \(bound.name) is \(value), which no file has come to.")
            }
            return true
        }
    }
}
