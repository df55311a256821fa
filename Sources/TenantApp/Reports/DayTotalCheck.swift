import CallKit
import SQLite
import TenantRegistry

/// The totals that reports are read from say what the ledger says, up to the posting that they have come to (O14).
///
/// Memory is bounded by months: what a month's rows come to is compared as one number, in which each row and column has
/// a weight of its own. Two sides that differ anywhere come to the same number once in 2^64.
enum DayTotalCheck {
    static func run(_ file: inout VerifiedFile) throws {
        guard file.version >= Migration0024.version else { return }
        let newest = try file.connection.row("SELECT coalesce(max(id), 0) FROM posting") { try $0.int() } ?? 0
        let marks = try file.connection.rows("SELECT posting_id FROM ledger_mark WHERE id = 1") { try $0.int() }
        guard marks.count == 1, marks[0] <= newest else {
            return file.report.add(.ledger, "ledger_mark", nil, "It counts postings that the ledger does not have.")
        }
        var sides: [Month: UInt64] = [:]
        try file.connection.forEach(
            dynamic: "SELECT \(CountedPosting.columns) FROM posting p WHERE p.id <= ?1", [.integer(marks[0])]
        ) { row in
            let posting = try CountedPosting(&row)
            guard posting.isLive else { return true }
            var total = DayTotal()
            total.add(posting.kind, posting.amount)
            for key in posting.keys() { sides[Month(key), default: 0] &+= weighed(total, key) }
            return true
        }
        try checkRows(&file, &sides)
        for (month, side) in sides.sorted(by: { $0.key < $1.key }) where side != 0 {
            file.report.add(
                .ledger, "day_total", nil,
                "The totals by \(month.grouping) of \(ReportPeriod.month.text(of: month.number)) are not what its postings come to."
            )
        }
    }

    private struct Month: Hashable, Comparable {
        let grouping: DayTotalKey.Grouping
        let number: Int64

        init(_ key: DayTotalKey) {
            grouping = key.grouping
            number = key.month
        }

        static func < (left: Self, right: Self) -> Bool {
            (left.grouping.rawValue, left.number) < (right.grouping.rawValue, right.number)
        }
    }

    /// Each row less its side of the sums; and that its balances are those of the day before with what moved.
    private static func checkRows(_ file: inout VerifiedFile, _ sides: inout [Month: UInt64]) throws {
        var before: (key: DayTotalKey, total: DayTotal)?
        var wrong = 0
        try file.connection.forEach(
            dynamic: """
                SELECT grouping, group_id, month, day, \(DayTotal.columns) FROM day_total
                ORDER BY grouping, group_id, month, day
                """
        ) { row in
            let grouping = try row.value(of: DayTotalKey.Grouping.self)
            let (group, month, day) = (try row.int(), try row.int(), try row.int())
            // No calendar has a day so far off.
            let key = DayTotalKey(grouping, group, day: min(max(day, -1_000_000), 10_000_000))
            let total = try DayTotal(&row)
            if month != key.month { sides[Month(key), default: 0] &+= 1 }
            sides[Month(key), default: 0] &-= weighed(total, key)
            let isNext = before.map { $0.key.grouping == grouping && $0.key.groupID == group } ?? false
            let earlier = isNext ? before?.total : nil
            if !total.follows(earlier ?? DayTotal()) { wrong += 1 }
            before = (key, total)
            return true
        }
        if wrong > 0 {
            file.report.add(
                .ledger, "day_total", nil,
                "\(wrong) rows have balances that are not those of the day before with what moved.")
        }
    }

    /// All that sums over days; balances do not.
    private static func weighed(_ total: DayTotal, _ key: DayTotalKey) -> UInt64 {
        var sum: UInt64 = 0
        for (index, part) in DayTotal.parts.dropLast(2).enumerated() {
            let value = total[keyPath: part]
            if value == 0 { continue }
            var weight = UInt64(bitPattern: key.groupID) &* 0x9E37_79B9_7F4A_7C15
            weight = mixed(weight ^ UInt64(bitPattern: key.day) &* 0xC2B2_AE3D_27D4_EB4F)
            weight = mixed(weight &+ UInt64(index) &+ UInt64(key.grouping.rawValue) << 8)
            sum &+= weight &* UInt64(bitPattern: value)
        }
        return sum
    }

    /// The finisher of splitmix64.
    private static func mixed(_ number: UInt64) -> UInt64 {
        var word = number &+ 0x9E37_79B9_7F4A_7C15
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}

extension DayTotal {
    /// Whether the balances are those of `earlier` with what moved.
    fileprivate func follows(_ earlier: DayTotal) -> Bool {
        let spent = Self.sum(corrected, ordered, renewed, hourly, ports, codes, placed, transferred)
        // What a hostile file has in a column may have no number that balances it.
        return Self.sum(balance, spent) == Self.sum(earlier.balance, toppedUp, refunded, voided)
            && Self.sum(held, captured, voided) == Self.sum(earlier.held, placed)
    }
}
