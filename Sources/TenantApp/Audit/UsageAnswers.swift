import CallKit
import HTTPCore
import TenantRegistry

/// How calls are counted for those who ask: the operator for all, a reseller for its own (O6, W6).
enum UsageAnswers {
    /// Without `from`, the last month, or the last day by hours.
    private static let daysDefault: Int64 = 30
    private static let hoursDefault: Int64 = 24
    private static let daysMax: Int64 = 366

    private static let orders = UsageFilter.Order.allCases.flatMap { [$0.rawValue, "-\($0.rawValue)"] }

    static let parameters: [Parameter] =
        totalParameters + [.limit, .cursor, .query("sort", .one(of: orders))]

    static let totalParameters: [Parameter] = [
        .from, .through, .query("by", .choice(UsageFilter.Period.self)), .query("key"), .query("route"), callers,
    ]
    static let callers = Parameter.query("callers", .choice(UsageFilter.Callers.self))
    /// So many hours or days are counted in one answer.
    private static let totalsMax: Int64 = 1_000

    private struct Asked {
        let filter: UsageFilter
        let key: String?
        let order: (by: UsageFilter.Order, isDescending: Bool)?
        let limit: Int
        let cursor: [UInt8]?
    }

    /// `reseller`: whose calls alone, as a reseller's key asks for its own.
    static func list(_ call: Call, ofReseller own: Int64?, reseller named: String? = nil) throws -> Work {
        let asked = try read(call)
        let seal = try CursorSeal(call)
        return .flow { steps in
            if asked.cursor == nil { try await prepare(asked.filter, steps) }
            let filter = try await found(asked, ofReseller: own, reseller: named, steps)
            return try await page(UsageWalk(steps, filter), asked, seal, steps)
        }
    }

    /// Every hour or day of what is asked for, those too in which nobody called.
    static func total(_ call: Call, ofReseller own: Int64?, reseller named: String? = nil) throws -> Work {
        let asked = try read(call)
        guard asked.filter.periods.count <= totalsMax else {
            throw Refusal.field("/from", "range", "must be at most \(totalsMax) hours or days before to")
        }
        return .flow { steps in
            try await prepare(asked.filter, steps)
            let filter = try await found(asked, ofReseller: own, reseller: named, steps)
            let totals = try await UsageWalk(steps, filter).totals().map { row in
                OperatorAdmin.Schemas.Usage(row: row, period: filter.period, names: AuditNames())
            }
            return .answer(.json(OperatorAdmin.Schemas.usageTotals, totals, in: call.currency))
        }
    }

    /// The greatest keys, resellers or routes of what is asked for.
    static func groups(_ call: Call) throws -> Work {
        let asked = try read(call)
        let query = try call.query()
        let reseller = try query.id("reseller")
        let group = try query.choice("group", as: UsageGroup.self) ?? .key
        return .flow { steps in
            try await prepare(asked.filter, steps)
            let filter = try await found(asked, ofReseller: nil, reseller: reseller, steps)
            let sums = try await UsageWalk(steps, filter).sums(of: group, by: asked.order?.by ?? .requests)
            let shown = sums.prefix(asked.limit).map { OperatorAdmin.Schemas.UsageSum(group: group, sum: $0) }
            return .read { tenant in
                let named = try shown.map { try $0.named(tenant) }
                return .json(OperatorAdmin.Schemas.usageSums, (named, sums.count > named.count), in: tenant.currency)
            }
        }
    }

    /// What is asked for, by its inner ids.
    private static func found(
        _ asked: Asked, ofReseller own: Int64?, reseller named: String?, _ steps: Steps
    ) async throws -> UsageFilter {
        var filter = asked.filter
        filter.resellerID = own
        if named == nil, asked.key == nil { return filter }
        (filter.resellerID, filter.keyID) = try await steps.read { tenant in
            let reseller = try own ?? tenant.resellerID(filter: named)
            guard let name = asked.key else { return (reseller, nil) }
            guard let key = try tenant.key(publicID: name), own == nil || key.resellerID == own else {
                throw Refusal.notFound(.key)
            }
            return (reseller ?? key.resellerID ?? 0, key.id)
        }
        return filter
    }

    /// Whoever looks sees what was answered before; hours that have ended join their days.
    private static func prepare(_ filter: UsageFilter, _ steps: Steps) async throws {
        try await steps.flushReads()
        guard filter.period == .day else { return }
        do {
            while try await steps.read({ try $0.hasUsageToJoin() }) {
                if try await !steps.stage({ try $0.joinUsage() }) { break }
            }
        } catch LaneFailure.storageFull {
            // They are read as they stand.
        }
    }

    private static func read(_ call: Call) throws -> Asked {
        let query = try call.query()
        let period = try query.choice("by", as: UsageFilter.Period.self) ?? .day
        let order = try query["sort"].map { text throws(Refusal) in
            guard orders.contains(text), let order = UsageFilter.Order(rawValue: String(text.drop { $0 == "-" })) else {
                throw .field("/sort", "choice", "must be one of \(orders.joined(separator: ", "))")
            }
            return (by: order, isDescending: text.hasPrefix("-"))
        }
        var filter = UsageFilter(period, try periods(query, period, call.now))
        filter.route = try query.id("route")
        filter.callers = try query.choice("callers", as: UsageFilter.Callers.self) ?? .all
        return Asked(
            filter: filter, key: try query.id("key"), order: order, limit: try Paging.limit(query),
            cursor: try query["cursor"].map { try CursorSeal(call).open($0) })
    }

    private static func periods(
        _ query: Query, _ period: UsageFilter.Period, _ now: Timestamp
    ) throws -> ClosedRange<Int64> {
        let (from, to) = try query.period()
        let isHourly = period == .hour
        func number(_ time: Timestamp) -> Int64 {
            isHourly ? UsageKey.hour(of: time) : Int64(time.date.daysSinceEpoch)
        }
        let last = number(to ?? now)
        guard let first = from.map(number) else { return last - (isHourly ? hoursDefault : daysDefault)...last }
        guard first <= last else { throw Refusal.field("/from", "range", "must not be after to") }
        guard last - first <= daysMax * (isHourly ? UsageKey.hoursPerDay : 1) else {
            throw Refusal.field("/from", "range", "must be at most \(daysMax) days before to")
        }
        return first...last
    }

    private static func page(_ walk: UsageWalk, _ asked: Asked, _ seal: CursorSeal, _ steps: Steps) async throws -> Work
    {
        guard let order = asked.order else {
            let place = try asked.cursor.map { try UsagePlace($0) }
            let (rows, next) = try await walk.page(before: place, asked.limit)
            return answer(rows, asked.filter.period, next: next.map { seal.seal($0.bytes) })
        }
        let behind = try asked.cursor.map { try UsageRank($0) }
        let rows = try await walk.sorted(
            by: order.by, isDescending: order.isDescending, behind: behind, asked.limit + 1)
        let shown = Array(rows.prefix(asked.limit))
        let last = rows.count > asked.limit ? shown.last.map { UsageRank($0, by: order.by) } : nil
        return answer(shown, asked.filter.period, next: last.map { seal.seal($0.bytes) })
    }

    private static func answer(_ rows: [UsageRow], _ period: UsageFilter.Period, next: String?) -> Work {
        .read { tenant in
            var names = AuditNames()
            try tenant.auditNames(
                keys: Set(rows.map(\.place.keyID)).subtracting([0]),
                resellers: Set(rows.map(\.place.resellerID)).subtracting([0]), accounts: [], adding: &names)
            let named = names
            return .json { json in
                json.array("data") { json in
                    for row in rows {
                        let usage = OperatorAdmin.Schemas.Usage(row: row, period: period, names: named)
                        json.object { json in OperatorAdmin.Schemas.usage.write(usage, in: tenant.currency, to: &json) }
                    }
                }
                json.field("has_more", next != nil)
                json.field("next_cursor", next)
            }
        }
    }
}

/// A cursor's content: period, key and reseller in eight bytes each, then the route.
extension UsagePlace {
    fileprivate var bytes: [UInt8] { [UInt8](places: period, keyID, resellerID) + Array(action.utf8) }

    fileprivate init(_ bytes: [UInt8]) throws(Refusal) {
        guard let period = bytes.place(0), let keyID = bytes.place(1), let resellerID = bytes.place(2),
            let action = String(validating: bytes[24...], as: UTF8.self)
        else { throw .badQuery(.unknownCursor) }
        self.init(period: period, keyID: keyID, resellerID: resellerID, action: action)
    }
}

/// The count in eight bytes, then the place.
extension UsageRank {
    fileprivate var bytes: [UInt8] { [UInt8](places: count) + place.bytes }

    fileprivate init(_ bytes: [UInt8]) throws(Refusal) {
        guard let count = bytes.place(0) else { throw .badQuery(.unknownCursor) }
        self.init(count: count, place: try UsagePlace(Array(bytes.dropFirst(8))))
    }
}
