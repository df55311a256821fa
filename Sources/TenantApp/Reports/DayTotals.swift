import CallKit
import SQLite
package import TenantRegistry

/// The totals of each day of the live book, which follow the ledger posting by posting (O14, 0045).
///
/// Invariant: what `ledger_mark` has passed is counted once, everything else not at all; both move in one transaction.
extension DayTotal {
    static let columns = Columns<DayTotal>(
        "sales", "ordered", "renewed", "hourly", "ports", "codes", "refunds", "refunded", "holds", "placed", "captured",
        "voided", "topped_up", "corrected", "transferred", "balance", "held")
    /// The same over several days of one group: balances are those of the last.
    private static let summed = """
        sum(sales), sum(ordered), sum(renewed), sum(hourly), sum(ports), sum(codes), sum(refunds), sum(refunded), \
        sum(holds), sum(placed), sum(captured), sum(voided), sum(topped_up), sum(corrected), sum(transferred), balance, \
        held
        """
    private static let group = "FROM day_total WHERE grouping = ?1 AND group_id = ?2"

    fileprivate static let newest = Statement(
        "SELECT day, \(columns) \(group) ORDER BY month DESC, day DESC LIMIT 1")
    fileprivate static let upTo = Statement(
        """
        SELECT day, \(columns) \(group) AND (month, day) <= (?3, ?4) ORDER BY month DESC, day DESC LIMIT 1
        """)
    fileprivate static let later = Statement(
        """
        UPDATE day_total SET balance = balance + ?5, held = held + ?6
        WHERE grouping = ?1 AND group_id = ?2 AND (month, day) > (?3, ?4)
        """)
    fileprivate static let save = Statement(
        """
        INSERT OR REPLACE INTO day_total (grouping, group_id, month, day, \(columns))
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
        """)
    fileprivate static let days = Statement(
        """
        SELECT day, 1, \(columns) \(group) AND month BETWEEN ?3 AND ?4 AND day BETWEEN ?5 AND ?6 ORDER BY month, day
        """)
    /// Of the bare columns SQLite takes those of the row that has the maximum.
    fileprivate static let months = Statement(
        """
        SELECT max(day), count(*), \(summed) \(group) AND month BETWEEN ?3 AND ?4 AND day BETWEEN ?5 AND ?6
        GROUP BY month ORDER BY month
        """)

    init(_ row: inout RowReader) throws {
        self.init()
        for part in Self.parts { self[keyPath: part] = try row.int() }
    }
}

/// A posting as reports count it.
struct CountedPosting {
    let id: Int64
    let isLive: Bool
    let kind: PostingKind
    let resellerID: Int64
    let at: Timestamp
    let amount: Int64
    /// What was sold, held or given back; nil where money moved for nothing that is sold.
    let productID: Int64?

    /// What each posting is of, by what its reference names. A port has no product.
    static let columns = Columns<CountedPosting>(
        "p.id", "p.book", "p.kind", "p.reseller_id", "p.at",
        "-coalesce((SELECT e.amount FROM entry e WHERE \(EntryPlaces.of("p.id", "e")) ORDER BY e.id LIMIT 1), 0)",
        """
        CASE p.kind WHEN 'top_up' THEN NULL WHEN 'correction' THEN NULL WHEN 'transfer' THEN NULL WHEN 'port' THEN 0
        WHEN 'codes' THEN (SELECT b.product_id FROM code_batch b WHERE b.public_id = p.reference)
        WHEN 'renewal' THEN \(ofService) WHEN 'hourly' THEN \(ofService)
        ELSE (SELECT o.product_id FROM orders o WHERE o.public_id = p.reference) END
        """, "p.kind IN ('top_up', 'correction', 'transfer')")
    private static let ofService = """
        (SELECT s.product_id FROM service s WHERE s.public_id = substr(p.reference, 1, instr(p.reference, ':') - 1))
        """
    fileprivate static let behind = Statement("SELECT \(columns) FROM posting p WHERE p.id > ?1 ORDER BY p.id LIMIT ?2")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        isLive = try row.value(of: Book.self) == .live
        kind = try row.value()
        resellerID = try row.int()
        at = try row.time()
        amount = try row.int()
        let product = try row.optionalInt()
        productID = try row.bool() ? nil : product ?? 0
    }

    /// In the totals of whom it counts.
    func keys() -> [DayTotalKey] {
        let day = ReportPeriod.day(of: at)
        let ofProduct = productID.map { [DayTotalKey(.product, $0, day: day)] } ?? []
        return [DayTotalKey(.tenant, 0, day: day), DayTotalKey(.reseller, resellerID, day: day)] + ofProduct
    }
}

extension TenantReader {
    /// The posting up to which totals count, and the newest there is.
    package func ledgerMark() throws -> (counted: Int64, newest: Int64) {
        let marks = try connection.row(
            "SELECT posting_id, (SELECT coalesce(max(id), 0) FROM posting) FROM ledger_mark WHERE id = 1"
        ) { (counted: try $0.int(), newest: try $0.int()) }
        return marks ?? (0, 0)
    }

    /// The reseller's postings that no day has counted yet, by day: of the next few that there are.
    func uncountedDays(ofReseller id: Int64) throws -> [Int64: DayTotal] {
        let mark = try ledgerMark()
        guard mark.newest > mark.counted else { return [:] }
        let postings = try connection.rows(
            CountedPosting.behind, .integer(mark.counted), .int(TenantTransaction.followedPostingsMax),
            read: CountedPosting.init)
        return postings.filter { $0.isLive && $0.resellerID == id }.reduce(into: [:]) { days, posting in
            days[ReportPeriod.day(of: posting.at), default: DayTotal()].add(posting.kind, posting.amount)
        }
    }

    /// What was there when a day ended that had, or came before, this one.
    package func dayTotal(of grouping: DayTotalKey.Grouping, _ groupID: Int64, upTo day: Int64) throws -> DayTotal? {
        try connection.row(
            DayTotal.upTo, .integer(grouping.rawValue), .integer(groupID), .integer(ReportPeriod.month(ofDay: day)),
            .integer(day)
        ) { row in
            row.skip()
            return try DayTotal(&row)
        }
    }

    /// The days or months of one group, in their order, each with its last day and how many rows it comes from.
    package func dayTotals(
        of grouping: DayTotalKey.Grouping, _ groupID: Int64, days: ClosedRange<Int64>, by period: ReportPeriod
    ) throws -> [(day: Int64, rows: Int64, total: DayTotal)] {
        try connection.rows(
            period == .day ? DayTotal.days : DayTotal.months, .integer(grouping.rawValue), .integer(groupID),
            .integer(ReportPeriod.month(ofDay: days.lowerBound)), .integer(ReportPeriod.month(ofDay: days.upperBound)),
            .integer(days.lowerBound), .integer(days.upperBound)
        ) { row in (day: try row.int(), rows: try row.int(), total: try DayTotal(&row)) }
    }

    /// The next of those that totals can be of, behind `id` (-1: from the first).
    package func reportGroups(_ grouping: DayTotalKey.Grouping, after id: Int64, limit: Int) throws -> [Int64] {
        switch grouping {
        case .tenant: id < 0 ? [0] : []
        case .product:
            try connection.rows(
                """
                SELECT 0 AS id WHERE ?1 < 0 UNION ALL SELECT id FROM product WHERE id > ?1 ORDER BY id LIMIT ?2
                """,
                .integer(id), .int(limit)
            ) { try $0.int() }
        case .reseller:
            try connection.rows(
                "SELECT id FROM reseller WHERE id > ?1 ORDER BY id LIMIT ?2", .integer(id), .int(limit)
            ) { try $0.int() }
        }
    }

    /// The sku of a product; nil for what has none.
    package func sku(ofProduct id: Int64) throws -> String? {
        try connection.row("SELECT sku FROM product WHERE id = ?1", .integer(id)) { try $0.text() }
    }
}

extension TenantTransaction {
    /// So many postings are counted in one lane job: well under a lane's 5 ms.
    package static let followedPostingsMax = 200

    /// Counts the next postings into their days. Returns how many there were; fewer than `limit` says that all are
    /// counted.
    @discardableResult
    package func followLedger(limit: Int = followedPostingsMax) throws -> Int {
        let mark = try ledgerMark()
        guard mark.newest > mark.counted else { return 0 }
        let postings = try connection.rows(
            CountedPosting.behind, .integer(mark.counted), .int(limit), read: CountedPosting.init)
        guard let last = postings.last else { return 0 }
        var days: [DayTotalKey: DayTotal] = [:]
        for posting in postings where posting.isLive {
            for key in posting.keys() {
                days[key, default: DayTotal()].add(posting.kind, posting.amount)
            }
        }
        for (key, total) in days.sorted(by: { $0.key < $1.key }) { try add(total, to: key) }
        try connection.run("UPDATE ledger_mark SET posting_id = ?1 WHERE id = 1", .integer(last.id))
        return postings.count
    }

    private func add(_ change: DayTotal, to key: DayTotalKey) throws {
        let (grouping, group) = (SQLValue.integer(key.grouping.rawValue), SQLValue.integer(key.groupID))
        func read(_ row: inout RowReader) throws -> (day: Int64, total: DayTotal) {
            (day: try row.int(), total: try DayTotal(&row))
        }
        var before = try connection.row(DayTotal.newest, grouping, group, read: read)
        if let newest = before, newest.day > key.day {
            // The clock was set back: the days behind have this one's change too.
            let place = [SQLValue.integer(key.month), .integer(key.day)]
            before = try connection.row(DayTotal.upTo, grouping, group, place[0], place[1], read: read)
            try connection.run(
                DayTotal.later, grouping, group, place[0], place[1], .integer(change.balance), .integer(change.held))
        }
        var total = DayTotal()
        if let before, before.day == key.day {
            total = before.total
        } else {
            (total.balance, total.held) = (before?.total.balance ?? 0, before?.total.held ?? 0)
        }
        total.add(change)
        let numbers = DayTotal.parts.map { SQLValue.integer(total[keyPath: $0]) }
        try connection.run(
            DayTotal.save, values: [grouping, group, .integer(key.month), .integer(key.day)] + numbers)
    }
}
