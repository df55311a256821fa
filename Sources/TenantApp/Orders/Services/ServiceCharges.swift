package import CallKit
import SQLite
package import TenantRegistry

/// One charge of a service: the order's own, a renewal's, a day of hours (W9, W3). In the test book, what the live
/// one would have moved.
package struct ServiceCharge: Sendable {
    /// 0 is what the order itself paid.
    package let period: Int64
    package let begins: Timestamp?
    package let ends: Timestamp?
    package let amount: Money
    package let at: Timestamp
    package let posting: Int64?

    static let columns = Columns<ServiceCharge>("period", "begins_at", "ends_at", "amount", "at", "posting_id")
    private static let later = """
        SELECT n.period, n.begins_at, n.ends_at, n.amount, n.at, n.posting_id FROM renewal n
            WHERE n.service_id = ?1 AND n.period < ?2
        UNION ALL
        SELECT c.n, coalesce((SELECT p.until FROM hourly_charge p WHERE p.service_id = c.service_id AND p.n = c.n - 1),
                (SELECT s.anchor_at FROM service s WHERE s.id = c.service_id)), c.until, c.amount, c.at, c.posting_id
            FROM hourly_charge c WHERE c.service_id = ?1 AND c.n < ?2
        """
    fileprivate static let page = Statement(
        """
        WITH charge (\(columns)) AS (\(later)) SELECT \(columns) FROM charge ORDER BY period DESC LIMIT ?3
        """)

    init(_ row: inout RowReader) throws {
        period = try row.int()
        begins = try row.optionalTime()
        ends = try row.optionalTime()
        amount = try row.money()
        at = try row.time()
        posting = try row.optionalInt()
    }

    fileprivate init(first service: Service, share: Money, at: Timestamp) {
        period = 0
        begins = service.anchorAt
        ends = service.term == .hourly ? nil : service.start(ofPeriod: 1)
        amount = share
        self.at = at
        posting = nil
    }
}

/// What a service costs, and when it is over with it: what only the operator's own look at it says (O10).
package struct ServiceTerms: Sendable {
    /// What the next period will be charged, at the recorded price; of an hourly term, an hour.
    package let renewalAmount: Money
    /// The same at the price that its reseller orders by today; nil where that is not sold to it any more.
    package let amountToday: Money?
    /// Of one that is past due: the next try, and when it is suspended if nothing pays it.
    package let nextTryAt: Timestamp?
    package let suspendsAt: Timestamp?
}

extension TenantReader {
    /// Newest first, below `period`. The order's own comes last, once the unit was carried out.
    package func charges(of service: Service, below period: Int64, limit: Int) throws -> [ServiceCharge] {
        var rows = try connection.rows(
            ServiceCharge.page, .integer(service.id), .integer(period), .int(limit), read: ServiceCharge.init)
        guard rows.count < limit, period > 0, let at = service.activatedAt,
            let order = try order(publicID: service.orderPublicID, resellerID: nil, book: nil)
        else { return rows }
        let share = order.share(ofUnit: try place(of: service), minorUnitDigits: currency.minorUnitDigits)
        rows.append(ServiceCharge(first: service, share: share, at: at))
        return rows
    }

    package func terms(of service: Service) throws -> ServiceTerms {
        let isPastDue = service.state == .pastDue
        return ServiceTerms(
            renewalAmount: try service.term == .hourly
                ? amount(service, termPrice: service.nextPrice, rate: service.rate) : renewalAmount(of: service),
            amountToday: try amountToday(service),
            nextTryAt: isPastDue ? service.nextAt : nil,
            suspendsAt: isPastDue ? service.pastDueSince?.adding(days: Service.graceDays) : nil)
    }

    private func amountToday(_ service: Service) throws -> Money? {
        guard
            let product = try offeredProduct(sku: service.sku, resellerID: service.resellerID, book: service.book),
            let price = product.price.terms[service.term], let reseller = try reseller(id: service.resellerID)
        else { return nil }
        return try amount(
            service, termPrice: price,
            rate: Pricing.rate(override: product.price.discountRateOverride, default: reseller.defaultDiscountRate))
    }

    /// An hourly price is exact, since it accrues.
    private func amount(_ service: Service, termPrice: Money, rate: Percent) throws -> Money {
        try service.term == .hourly
            ? Pricing.line(termPrice: termPrice, rate: rate, quantity: 1, minorUnitDigits: Money.fractionDigits)
            : Pricing.renewal(termPrice: termPrice, rate: rate, minorUnitDigits: currency.minorUnitDigits)
    }
}
