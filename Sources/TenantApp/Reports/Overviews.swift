package import CallKit
import SQLite
package import TenantRegistry

/// What a reseller has, what it spends and what is coming: what the first page of its portal shows (U3). Everything is
/// counted up to a bound, so that no reseller holds its tenant's lane. A value: any thread.
package struct Overview: Sendable {
    /// Renewals that are due until then; no amount where there are more than are summed.
    package struct Renewals: Sendable {
        package let until: Timestamp
        package let count: Int64
        package let amount: Money?
    }

    package struct Day: Sendable {
        package let day: Int64
        package let total: DayTotal
    }

    /// What a new reseller does first, and whether it has.
    package struct Steps: Sendable {
        package let hasKey: Bool
        package let hasWebhook: Bool
        package let hasTestOrder: Bool
        package let hasOrder: Bool
    }

    package let services: [ServiceState: Int64]
    package let renewals: Renewals
    /// The last days to today, each of them.
    package let days: [Day]
    package let available: Money
    /// As many of the days as it has been a reseller.
    private let daysOfReseller: Int64
    package let steps: Steps

    /// More services of one state than that are not counted.
    package static let countMax: Int64 = 10_000
    package static let renewalDays: Int64 = 14
    fileprivate static let renewalsMax = 1_000
    package static let daysCount: Int64 = 30

    /// In all of the days.
    package var spent: Money { Money(micros: days.reduce(0) { DayTotal.sum($0, $1.total.spent) }) }

    /// How long the balance and the credit limit last at that rate; nil where nothing was spent.
    package var daysLeft: Int64? {
        guard spent > .zero else { return nil }
        guard available > .zero else { return 0 }
        let (high, low) = available.micros.multipliedFullWidth(by: daysOfReseller)
        guard high < spent.micros else { return nil }
        return spent.micros.dividingFullWidth((high, low)).quotient
    }

    fileprivate static let counted = Statement(
        """
        SELECT count(*) FROM (SELECT 1 FROM service INDEXED BY service_by_state
            WHERE reseller_id = ?1 AND book = ?2 AND state = ?3 LIMIT ?4)
        """)
    fileprivate static let renewing = Statement(
        """
        SELECT coalesce(next_term_price, term_price) AS price, discount_rate, count(*)
        FROM (SELECT next_term_price, term_price, discount_rate FROM service INDEXED BY service_by_state
            WHERE reseller_id = ?1 AND book = ?2 AND state = 'active' AND renews_at < ?3 AND term <> 'hourly' LIMIT ?4)
        GROUP BY price, discount_rate
        """)
    fileprivate static let first = Statement(
        """
        SELECT EXISTS (SELECT 1 FROM api_key WHERE reseller_id = ?1 AND role = ?2 AND revoked_at IS NULL),
            EXISTS (SELECT 1 FROM webhook_endpoint WHERE reseller_id = ?1 AND removed_at IS NULL),
            EXISTS (SELECT 1 FROM orders WHERE reseller_id = ?1 AND book = 1),
            EXISTS (SELECT 1 FROM orders WHERE reseller_id = ?1 AND book = 0)
        """)

    fileprivate init(of reseller: Reseller, _ book: Book, in tenant: TenantReader) throws {
        let connection = tenant.connection
        var services: [ServiceState: Int64] = [:]
        for state in ServiceState.allCases where state != .cancelled {
            services[state] = try connection.row(
                Self.counted, .integer(reseller.id), .book(book), .text(state.rawValue), .integer(Self.countMax)
            ) { try $0.int() }
        }
        self.services = services
        renewals = try tenant.renewals(of: reseller, book)
        days = try tenant.days(of: reseller, book)
        available = try tenant.balances(of: reseller, book: book).available
        let today = ReportPeriod.day(of: tenant.now)
        daysOfReseller = max(
            1, min(Self.daysCount, today - ReportPeriod.day(of: reseller.approvedAt ?? reseller.createdAt) + 1))
        let steps = try connection.row(Self.first, .integer(reseller.id), .integer(Int64(KeyRole.reseller.rawValue))) {
            Steps(
                hasKey: try $0.bool(), hasWebhook: try $0.bool(), hasTestOrder: try $0.bool(), hasOrder: try $0.bool())
        }
        guard let steps else { throw Refusal.defect }
        self.steps = steps
    }
}

extension TenantReader {
    package func overview(of reseller: Reseller, book: Book) throws -> Overview {
        try Overview(of: reseller, book, in: self)
    }

    fileprivate func renewals(of reseller: Reseller, _ book: Book) throws -> Overview.Renewals {
        let until = now.adding(days: Overview.renewalDays)
        var count: Int64 = 0
        var amount = Money.zero
        let groups = try connection.rows(
            Overview.renewing, .integer(reseller.id), .book(book), .time(until), .int(Overview.renewalsMax + 1)
        ) { row in (price: try row.money(), rate: try row.percent(), count: try row.int()) }
        for group in groups {
            let one = try Pricing.renewal(
                termPrice: group.price, rate: group.rate, minorUnitDigits: currency.minorUnitDigits)
            amount = try amount.adding(try one.times(group.count))
            count += group.count
        }
        let isAll = count <= Overview.renewalsMax
        return Overview.Renewals(
            until: until, count: isAll ? count : Int64(Overview.renewalsMax), amount: isAll ? amount : nil)
    }

    /// Nothing moves in the test book.
    fileprivate func days(of reseller: Reseller, _ book: Book) throws -> [Overview.Day] {
        let today = ReportPeriod.day(of: now)
        let first = today - Overview.daysCount + 1
        guard book == .live else { return (first...today).map { Overview.Day(day: $0, total: DayTotal()) } }
        let known = try dayTotals(of: .reseller, reseller.id, days: first...today, by: .day)
        var standing = DayTotal()
        let before = try dayTotal(of: .reseller, reseller.id, upTo: first - 1)
        (standing.balance, standing.held) = (before?.balance ?? 0, before?.held ?? 0)
        let uncounted = try uncountedDays(ofReseller: reseller.id)
        var ahead = DayTotal()
        return (first...today).map { day in
            var total = standing
            if let counted = known.first(where: { $0.day == day })?.total {
                (standing.balance, standing.held) = (counted.balance, counted.held)
                total = counted
            }
            // What is not counted yet is in no balance of the days behind it either.
            if let more = uncounted[day] { ahead.add(more) }
            total.add(uncounted[day] ?? DayTotal())
            total.balance = DayTotal.sum(standing.balance, ahead.balance)
            return Overview.Day(day: day, total: total)
        }
    }

    /// How many units the reseller holds of each product, by sku.
    package func heldUnits(resellerID: Int64, book: Book, after id: Int64, limit: Int) throws -> [HeldUnits] {
        try connection.rows(
            HeldUnits.page, .integer(resellerID), .book(book), .integer(id), .int(limit)
        ) { row in
            HeldUnits(
                productID: try row.int(), sku: try row.text(), units: try row.int(), maxQuantity: try row.optionalInt())
        }
    }
}

package struct HeldUnits: Sendable {
    package let productID: Int64
    package let sku: String
    package let units: Int64
    package let maxQuantity: Int64?

    fileprivate static let page = Statement(
        """
        SELECT h.product_id, p.sku, h.units, \(PriceRow.inForce("max_quantity"))
        FROM holding h JOIN product p ON p.id = h.product_id
        \(PriceRow.joins(reseller: "h.reseller_id", product: "h.product_id", isTest: "h.book"))
        WHERE h.reseller_id = ?1 AND h.book = ?2 AND h.units > 0 AND h.product_id > ?3
        ORDER BY h.product_id LIMIT ?4
        """)
}
