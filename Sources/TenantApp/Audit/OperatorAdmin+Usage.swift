import CallKit
import HTTPCore
import TenantRegistry

/// Requests, refusals and orders by day, reseller and route (O6).
extension OperatorAdmin {
    /// Without `from`, the last month; a year at most at once.
    private static let usageDaysDefault: Int64 = 30
    private static let usageDaysMax: Int64 = 366

    static let usage: [Route] = [
        Route(
            .get, "/usage", "Count requests, refusals and orders", access: .administrator,
            parameters: [.from, .to, .limit, .cursor, Schemas.reseller], gives: .list(Schemas.usage),
            refuses: [404]
        ) { call in
            let query = try call.query()
            let seal = try CursorSeal(call)
            let limit = try Paging.limit(query)
            let days = try usageDays(query, call.now)
            let reseller = try query.id("reseller")
            let place = try query["cursor"].map { try UsagePlace(try seal.open($0)) }
            let read: @Sendable (TenantReader) throws -> Answer = { tenant in
                let rows =
                    if let id = try tenant.resellerID(filter: reseller) {
                        try tenant.usage(ofReseller: id, days: days, before: place, limit: limit + 1)
                    } else {
                        try tenant.usage(days: days, before: place, limit: limit + 1)
                    }
                return try answer(rows, limit: limit, seal, tenant)
            }
            // Whoever looks sees what was answered before.
            return .flow { steps in
                if place == nil { try await steps.flushReads() }
                return .read(read)
            }
        }
    ]

    private static func usageDays(_ query: Query, _ now: Timestamp) throws -> ClosedRange<Int64> {
        let (from, to) = try query.period()
        let last = (to ?? now).milliseconds / Timestamp.millisecondsPerDay
        let first = from.map { $0.milliseconds / Timestamp.millisecondsPerDay }
        guard let first else { return last - usageDaysDefault...last }
        guard first <= last else { throw Refusal.field("/from", "range", "must not be after to") }
        guard last - first <= usageDaysMax else {
            throw Refusal.field("/from", "range", "must be at most \(usageDaysMax) days before to")
        }
        return first...last
    }

    private static func answer(
        _ rows: [UsageRow], limit: Int, _ seal: CursorSeal, _ tenant: TenantReader
    ) throws -> Answer {
        let shown = rows.prefix(limit)
        var names: [Int64: String] = [:]
        for id in Set(shown.map(\.place.resellerID)) where id != 0 { names[id] = try tenant.reseller(id: id)?.publicID }
        return .json { json in
            json.array("data") { json in
                for row in shown {
                    let usage = Schemas.Usage(row: row, reseller: names[row.place.resellerID])
                    json.object { json in Schemas.usage.write(usage, in: tenant.currency, to: &json) }
                }
            }
            json.field("has_more", rows.count > limit)
            json.field("next_cursor", rows.count > limit ? shown.last.map { seal.seal($0.place.bytes) } : nil)
        }
    }
}

/// A cursor's content: day and reseller in eight bytes each, then the route.
extension UsagePlace {
    fileprivate var bytes: [UInt8] { [UInt8](places: day, resellerID) + Array(action.utf8) }

    fileprivate init(_ bytes: [UInt8]) throws(Refusal) {
        guard let day = bytes.place(0), let resellerID = bytes.place(1),
            let action = String(validating: bytes[16...], as: UTF8.self)
        else { throw .badQuery(.unknownCursor) }
        self.init(day: day, resellerID: resellerID, action: action)
    }
}
