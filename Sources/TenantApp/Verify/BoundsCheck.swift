import CallKit
import SQLite
import TenantRegistry

/// Numbers that nothing else proves lie where numbers of theirs can lie, so that whatever is counted or timed on from
/// them is a number too. Rows that the chain vouches for are as somebody signed them, which may be no gateway: of
/// those, what is multiplied or added up on.
enum BoundsCheck {
    private static let counts = TenantStore.counters
    private static let money: ClosedRange<Int64> = -(1 << 62)...1 << 62
    private static let any: ClosedRange<Int64> = .min ... .max
    /// Since 1970, up to the last that a time can tell of.
    private static let hours: ClosedRange<Int64> = 0...Timestamp.latest.milliseconds / Timestamp.millisecondsPerHour
    private static let days: ClosedRange<Int64> = 0...Timestamp.latest.milliseconds / Timestamp.millisecondsPerDay
    /// Since the year 0.
    private static let months: ClosedRange<Int64> = 0...ReportPeriod.month(ofDay: days.upperBound)
    /// What can come to pass in an hour; a day holds a few more.
    private static let perHour: ClosedRange<Int64> = 0...1 << 40
    private static let perDay: ClosedRange<Int64> = 0...1 << 45
    private static let lengths: ClosedRange<Int64> = 0...1 << 31

    /// What is no count, no id and no time.
    private static let others: [String: ClosedRange<Int64>] = [
        "meta.incarnation": TenantStore.incarnations,
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
        ].map { ("day_total.\($0)", money) }, uniquingKeysWith: { $1 }
    ).merging(usage, uniquingKeysWith: { $1 })

    private static let usage: [String: ClosedRange<Int64>] = {
        var ranges: [String: ClosedRange<Int64>] = [
            "usage_hour.hour": hours, "usage_mark.hour": hours, "usage_day.day": days, "usage.day": days,
            "usage_refusal.day": days, "usage_day.untold_refusals": perDay, "usage.refusals": perDay,
            "usage_refusal.count": perDay, "day_total.day": days, "day_total.month": months,
        ]
        for count in ["requests", "unauthorized", "forbidden", "rate_limited", "other_refusals", "orders"] {
            ranges["usage_hour.\(count)"] = perHour
            ranges["usage_day.\(count)"] = perDay
            ranges["usage.\(count)"] = perDay
        }
        return ranges
    }()

    /// Of rows that are vouched for.
    private static let vouchedFor: [String: ClosedRange<Int64>] = [
        "product.days": 1...lengths.upperBound, "port.days": lengths, "port_renewal.days": lengths,
        "product.retail_price": money, "product.wholesale_price": money, "price.wholesale_once": money,
        "test_price.wholesale_once": money, "reseller.credit_limit": money, "port.base_price": money,
        "port.cost": money, "port.reseller_price": money,
        "port_renewal.cost": money, "port_renewal.reseller_price": money, "payment.amount": money,
        "revision_floor.revision": counts,
    ]

    static func run(_ file: inout VerifiedFile) throws {
        let tables = try file.connection.rows(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'audit' ORDER BY name"
        ) { try $0.text() }
        let vouched = file.version >= Migration0010.version ? Set(VouchedStates.tables) : []
        for table in tables { try check(table, isVouched: vouched.contains(table), &file) }
    }

    private static func check(_ table: String, isVouched: Bool, _ file: inout VerifiedFile) throws {
        let shape = try RowShape(of: table, in: file.connection)
        let columns = try file.connection.rows(
            dynamic: "SELECT name FROM pragma_table_info(?1) WHERE type = 'INTEGER' ORDER BY cid", [.text(table)]
        ) { try $0.text() }
        let bounds = columns.compactMap { name -> (name: String, range: ClosedRange<Int64>)? in
            let range = isVouched ? vouchedFor["\(table).\(name)"] : others["\(table).\(name)"] ?? counts
            return range.map { (name: name, range: $0) }
        }
        guard !bounds.isEmpty else { return }
        let outside = bounds.map { "\($0.name) < \($0.range.lowerBound) OR \($0.name) > \($0.range.upperBound)" }
        let list = (shape.key + bounds.map(\.name)).joined(separator: ", ")
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
