import CallKit
import SQLite
import TenantRegistry

/// What the hours of a service came to, and what was charged of it, after its last charge (W3).
struct HourlyStand {
    let hours: Int64
    /// Exact: in picos, millionths of a micro.
    let accrued: UnitPrice
    let charged: Money

    static let none = HourlyStand(hours: 0, accrued: .none, charged: .zero)

    init(hours: Int64, accrued: UnitPrice, charged: Money) {
        self.hours = hours
        self.accrued = accrued
        self.charged = charged
    }

    static let columns = Columns<HourlyStand>("hours", "accrued", "accrued_rest", "charged")
    fileprivate static let last = Statement(
        "SELECT \(columns) FROM hourly_charge WHERE service_id = ?1 ORDER BY n DESC LIMIT 1")

    init(_ row: inout RowReader) throws {
        hours = try row.int()
        accrued = UnitPrice(picos: Int128(try row.int()) * Int128(UnitPrice.picosPerMicro) + Int128(try row.int()))
        charged = try row.money()
    }
}

extension TenantReader {
    func hourlyStand(ofService id: Int64) throws -> HourlyStand {
        try connection.row(HourlyStand.last, .integer(id), read: HourlyStand.init) ?? .none
    }

    /// The price that operators gave charge `number`, and whether none was agreed for a later one; nil where that
    /// charge costs what the order says.
    func repricing(of service: Int64, at number: Int64) throws -> (price: Money, isLast: Bool)? {
        try connection.row(
            """
            SELECT term_price, id = (SELECT max(id) FROM repricing WHERE service_id = ?1) FROM repricing
            WHERE service_id = ?1 AND period <= ?2 ORDER BY id DESC LIMIT 1
            """,
            .integer(service), .integer(number)
        ) { (price: try $0.money(), isLast: try $0.bool()) }
    }

    /// What the next period will be charged: of one that is overdue, at the price of when it began.
    func renewalAmount(of service: Service) throws -> Money {
        try renewalAmount(agreedPrice(of: service, at: service.period + 1), service.rate)
    }

    private func renewalAmount(_ termPrice: Money, _ rate: Percent) throws -> Money {
        try Pricing.renewal(termPrice: termPrice, rate: rate, minorUnitDigits: currency.minorUnitDigits)
    }

    /// Of the charge `number`, which is not paid yet.
    private func agreedPrice(of service: Service, at number: Int64) throws -> Money {
        guard service.nextTermPrice != nil else { return service.termPrice }
        return try repricing(of: service.id, at: number)?.price ?? service.termPrice
    }

    private static let coming = Statement(
        """
        SELECT id, period, term_price, next_term_price, discount_rate FROM service
        WHERE reseller_id = ?1 AND book = ?2 AND state = 'active' AND renews_at > ?3 AND renews_at <= ?4
            AND term <> 'hourly'
        ORDER BY renews_at, id LIMIT ?5
        """)

    /// What a reseller's services will be charged for the periods that begin up to then, in the order of the charges. A
    /// row that cannot be read is left out: it is told where it is charged. `isWhole`: the limit cut none off.
    func comingRenewals(
        ofReseller resellerID: Int64, book: Book, until end: Timestamp, limit: Int
    ) throws -> (renewals: [(serviceID: Int64, amount: Money)], isWhole: Bool) {
        var renewals: [(serviceID: Int64, amount: Money)] = []
        var rows = 0
        try connection.forEach(
            Self.coming, .integer(resellerID), .book(book), .time(now), .time(end), .int(limit)
        ) { row in
            rows += 1
            do {
                let (id, period) = (try row.int(), try row.int())
                let (first, next) = (try row.money(), try row.optionalMoney())
                let price = try next == nil ? first : repricing(of: id, at: period + 1)?.price ?? first
                renewals.append((serviceID: id, amount: try renewalAmount(price, row.percent())))
            } catch is CorruptRow {
                return true
            }
            return true
        }
        return (renewals, rows < limit)
    }

    /// The first charge for which a price holds that is agreed now: the first that has not begun, or of a term that is
    /// owed the first that is dearer. They never get cheaper from one to the next.
    func repricedFrom(_ service: Service, price: Money) throws -> Int64 {
        guard service.term != .hourly else {
            return service.repricedFrom(at: now, charged: try hourlyStand(ofService: service.id).hours)
        }
        let next = service.repricedFrom(at: now, charged: 0)
        return try (service.period + 1..<next).first { try price < agreedPrice(of: service, at: $0) } ?? next
    }

    /// Services of a filter behind an id, whose next price is another. Nil filters take all.
    func servicesToReprice(_ filter: RepriceFilter, after id: Int64, limit: Int) throws -> [Int64] {
        try connection.rows(
            """
            SELECT id FROM service
            WHERE id > ?1 AND state <> 'cancelled' AND ended_by IS NULL AND (?2 IS NULL OR reseller_id = ?2)
                AND (?3 IS NULL OR product_id = ?3) AND (?4 IS NULL OR term = ?4)
                AND book = ?6 AND coalesce(next_term_price, term_price) <> ?5
            ORDER BY id LIMIT ?7
            """,
            .integer(id), .optional(filter.resellerID), .optional(filter.productID), .optional(filter.term?.rawValue),
            .money(filter.price), .book(filter.book), .int(limit)
        ) { try $0.int() }
    }
}

extension TenantTransaction {
    /// One a period, whatever happens: a second is refused by the file.
    func insertRenewal(
        of service: Service, period: Int64, begins: Timestamp, ends: Timestamp, amount: Money, posting: Int64
    ) throws {
        try connection.run(
            """
            INSERT INTO renewal (service_id, period, book, begins_at, ends_at, amount, posting_id, at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """,
            .integer(service.id), .integer(period), .book(service.book), .time(begins), .time(ends), .money(amount),
            .integer(posting), .time(now))
    }

    func insertHourlyCharge(
        of service: Service, number: Int64, until: Timestamp, stand: HourlyStand, amount: Money, posting: Int64
    ) throws {
        let (micros, rest) = stand.accrued.picos.quotientAndRemainder(dividingBy: Int128(UnitPrice.picosPerMicro))
        guard let micros = Int64(exactly: micros), let rest = Int64(exactly: rest) else { throw MoneyError.overflow }
        try connection.run(
            """
            INSERT INTO hourly_charge (service_id, n, book, until, hours, term_price, accrued, accrued_rest, amount,
                charged, posting_id, at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """,
            .integer(service.id), .integer(number), .book(service.book), .time(until), .integer(stand.hours),
            .money(service.termPrice), .integer(micros), .integer(rest), .money(amount), .money(stand.charged),
            .integer(posting), .time(now))
    }

    /// A price from a period on. Returns the row's id.
    func insertRepricing(_ repricing: Repricing, keyID: Int64) throws -> Int64 {
        try connection.run(
            "INSERT INTO repricing (service_id, period, term_price, at, key_id) VALUES (?1, ?2, ?3, ?4, ?5)",
            .integer(repricing.service.id), .integer(repricing.from), .money(repricing.new), .time(now),
            .integer(keyID))
        return connection.lastInsertedRowID
    }
}
