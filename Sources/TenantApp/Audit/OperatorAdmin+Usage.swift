import CallKit
import Cryptography
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
            parameters: [.from, .to, .limit, Schemas.usageCursor, Schemas.reseller], gives: .list(Schemas.usage),
            refuses: [404]
        ) { call in
            let query = try call.query()
            let limit = try query.integer("limit", in: 1...Paging.limitMax) ?? Paging.limitDefault
            let days = try usageDays(query, call.now)
            let reseller = query["reseller"]
            var before: UsagePlace?
            if let text = query["cursor"] {
                before = UsagePlace(cursor: text)
                if before == nil { throw Refusal.field("/cursor", "format", "is not a cursor that a list has given") }
            }
            let place = before
            let read: @Sendable (TenantReader) throws -> Answer = { tenant in
                let rows =
                    if let id = try tenant.resellerID(filter: reseller) {
                        try tenant.usage(ofReseller: id, days: days, before: place, limit: limit + 1)
                    } else {
                        try tenant.usage(days: days, before: place, limit: limit + 1)
                    }
                return try answer(rows, limit: limit, tenant)
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

    private static func answer(_ rows: [UsageRow], limit: Int, _ tenant: TenantReader) throws -> Answer {
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
            json.field("next_cursor", rows.count > limit ? shown.last?.place.cursor : nil)
        }
    }
}

extension UsagePlace {
    /// Day and reseller in eight bytes each, then the route.
    fileprivate var cursor: String {
        let numbers = [day, resellerID].flatMap { number in
            (0..<8).map { UInt8(truncatingIfNeeded: number >> Int64(56 - 8 * $0)) }
        }
        return Base64.encodeURL(numbers + Array(action.utf8))
    }

    fileprivate init?(cursor: String) {
        guard let bytes = Base64.decodeURL(cursor), bytes.count >= 16,
            let action = String(validating: bytes[16...], as: UTF8.self)
        else { return nil }
        func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
            Int64(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) })
        }
        self.init(day: number(bytes[..<8]), resellerID: number(bytes[8..<16]), action: action)
    }
}
