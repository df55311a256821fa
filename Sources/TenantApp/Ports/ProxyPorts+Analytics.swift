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
            let query = try call.query()
            let (limit, seal) = (try Paging.limit(query), try CursorSeal(call))
            let begun = try query["cursor"].map { try BegunPages(try seal.open($0)) }
            // A page goes on in the period that the first one had, whatever has been sold since.
            let read = try begun?.period ?? period(query, at: call.now)
            let shown = read.lowerBound..<(try query.anyTime("to") ?? read.upperBound)
            let start = PortSalesWalk(
                resellerID: call.resellerID, book: call.book, period: read, behind: begun?.last)
            return .flow { steps in
                var walk = start
                // The first page adds all of it up. Those behind it have its sums, and read what they show.
                while !walk.isAtEnd && (begun == nil || walk.lines(limit + 1).count <= limit) {
                    let at = walk
                    walk = try await steps.read { tenant in
                        var next = at
                        try next.next(in: tenant)
                        return next
                    }
                }
                let lines = walk.lines(limit + 1)
                let total = begun?.total ?? walk.total
                let last = lines.count > limit ? lines[limit - 1].place : nil
                let cursor = last.map { seal.seal(BegunPages(period: read, total: total, last: $0).bytes) }
                let page = Array(lines.prefix(limit))
                let customers = try await steps.read { try $0.customers(ids: Set(page.map(\.place.customerID))) }
                return .answer(answer(total, page, customers, shown, cursor, call.currency))
            }
        }
    ]

    /// Both ends as times, days, or milliseconds as the answer has them; the last one does not count. Nothing is sold
    /// after now.
    private static func period(_ query: Query, at now: Timestamp) throws -> Range<Timestamp> {
        let (from, to) = try query.periodInAnyTime()
        // What was sold in this very millisecond counts.
        let soon = max(now.adding(milliseconds: 1), from ?? now)
        let end = to ?? soon
        let beginning = from ?? end.adding(days: -daysShown)
        guard end.adding(days: -daysMax) <= beginning else {
            throw Refusal.field("/from", "range", "must be at most \(daysMax) days before the end")
        }
        return beginning..<max(beginning, min(end, soon))
    }

    private static func answer(
        _ total: PortSales, _ lines: [PortSalesLine], _ customers: [Int64: Customer], _ period: Range<Timestamp>,
        _ cursor: String?, _ currency: Currency
    ) -> Answer {
        .json { json in
            json.field("from", period.lowerBound.milliseconds)
            json.field("to", period.upperBound.milliseconds)
            json.field("currency", currency.code)
            json.object("totals") { json in Schemas.sales.write(total, in: currency, to: &json) }
            json.array("analytics") { json in
                for line in lines {
                    let whole = Schemas.SalesOfDay(line: line, customer: customers[line.place.customerID])
                    json.object { json in Schemas.salesOfDay.write(whole, in: currency, to: &json) }
                }
            }
            json.field("hasMore", cursor != nil)
            json.field("nextCursor", cursor)
        }
    }
}

/// What the first page found and where the page behind begins, as a cursor has it.
private struct BegunPages: Sendable {
    let period: Range<Timestamp>
    let total: PortSales
    /// The last one shown.
    let last: PortSalesPlace
}

extension BegunPages {
    var bytes: [UInt8] {
        [UInt8](
            places: last.day, last.customerID, period.lowerBound.milliseconds, period.upperBound.milliseconds,
            total.ports, total.renewals, total.cost.micros, total.price.micros)
    }

    init(_ bytes: [UInt8]) throws(Refusal) {
        let places = (0..<8).compactMap { bytes.place($0) }
        // One of before has less.
        guard places.count == 8, places[2] <= places[3] else { throw .badQuery(.unknownCursor) }
        last = PortSalesPlace(day: places[0], customerID: places[1])
        period = Timestamp(milliseconds: places[2])..<Timestamp(milliseconds: places[3])
        var total = PortSales()
        (total.ports, total.renewals) = (places[4], places[5])
        (total.cost, total.price) = (Money(micros: places[6]), Money(micros: places[7]))
        self.total = total
    }
}

extension ProxyPorts.Schemas {
    static let salesMembers: [Shape<PortSales>.Member] = [
        .member("ports", \.ports), .member("renewals", \.renewals), .number("cost", \.cost), .number("price", \.price),
        .number("margin", \.margin),
    ]
    static let sales = Shape<PortSales>(salesMembers)
    struct SalesOfDay: Sendable {
        let line: PortSalesLine
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
