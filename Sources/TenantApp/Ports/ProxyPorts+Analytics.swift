import CallKit
import HTTPCore
import TenantRegistry

/// What a reseller's ports cost it, what it sold them for, and what is left, by day and customer (X4).
extension ProxyPorts {
    /// Where no period is asked for.
    private static let daysShown: Int64 = 30
    private static let daysMax: Int64 = 366

    static let analytics: [Route] = [
        Route(
            .get, "/reseller/analytics", "Read cost, price and margin of your ports, by day and customer",
            access: .reseller(.portsRead), parameters: .page(.anyFrom, .anyTo), gives: Schemas.analytics
        ) { call in
            let page = try Paging(call)
            let period = try period(call)
            let begun = PortSalesWalk(resellerID: call.resellerID, book: call.book, period: period)
            return .flow { steps in
                var walk = begun
                while !walk.isAtEnd {
                    let at = walk
                    walk = try await steps.read { tenant in
                        var next = at
                        try next.next(in: tenant)
                        return next
                    }
                }
                let shown = Self.shown(walk, page)
                let customers = try await steps.read { try $0.customers(ids: Set(shown.map(\.place.customerID))) }
                return .answer(answer(walk.total, shown, customers, period, page, call.currency))
            }
        }
    ]

    /// Both ends as times, days, or milliseconds as the answer has them; the last one does not count.
    private static func period(_ call: Call) throws -> Range<Timestamp> {
        let query = try call.query()
        let (from, to) = try query.periodInAnyTime()
        // What was sold in this very millisecond counts.
        let end = to ?? max(call.now.adding(milliseconds: 1), from ?? call.now)
        let beginning = from ?? end.adding(days: -daysShown)
        guard end.adding(days: -daysMax) <= beginning else {
            throw Refusal.field("/from", "range", "must be at most \(daysMax) days before the end")
        }
        return beginning..<end
    }

    struct SalesLine: Sendable {
        let place: PortSalesPlace
        let sales: PortSales

        /// Its place in the list: the day, then the customer.
        var key: Int64 { place.day << 40 | place.customerID }
    }

    /// One more than the page shows, where there are more.
    private static func shown(_ walk: PortSalesWalk, _ page: Paging) -> [SalesLine] {
        let lines = walk.byPlace.map { SalesLine(place: $0.key, sales: $0.value) }
        let rest = lines.filter { $0.key > page.after }.sorted { $0.key < $1.key }
        return Array(rest.prefix(page.fetch))
    }

    private static func answer(
        _ total: PortSales, _ lines: [SalesLine], _ customers: [Int64: Customer], _ period: Range<Timestamp>,
        _ page: Paging, _ currency: Currency
    ) -> Answer {
        let shown = lines.prefix(page.limit)
        return .json { json in
            json.field("from", period.lowerBound.milliseconds)
            json.field("to", period.upperBound.milliseconds)
            json.field("currency", currency.code)
            json.object("totals") { json in Schemas.sales.write(total, in: currency, to: &json) }
            json.array("analytics") { json in
                for line in shown {
                    let whole = Schemas.SalesOfDay(line: line, customer: customers[line.place.customerID])
                    json.object { json in Schemas.salesOfDay.write(whole, in: currency, to: &json) }
                }
            }
            json.field("hasMore", lines.count > page.limit)
            json.field("nextCursor", lines.count > page.limit ? shown.last.map { page.text(behind: $0.key) } : nil)
        }
    }
}

extension ProxyPorts.Schemas {
    static let salesMembers: [Shape<PortSales>.Member] = [
        .member("ports", \.ports), .member("renewals", \.renewals), .number("cost", \.cost), .number("price", \.price),
        .number("margin", \.margin),
    ]
    static let sales = Shape<PortSales>(salesMembers)
    struct SalesOfDay: Sendable {
        let line: ProxyPorts.SalesLine
        let customer: Customer?
    }
    static let salesOfDay = Shape<SalesOfDay>([
        .member("date") {
            String(Timestamp(day: $0.line.place.day).text.prefix(10))
        },
        .member("customerId", as: .string, \.customer?.publicID), .member("externalId", \.customer?.externalID),
        .part(salesMembers, \.line.sales),
    ])
    static let analytics = Success.read(
        [
            "from": .integer, "to": .integer, "currency": .string, "totals": sales.schema,
            "analytics": .array(of: salesOfDay.schema), "hasMore": .boolean, "nextCursor": .string.nullable,
        ] as Schema)
}
