import CallKit
import SQLite
package import TenantRegistry

/// Requests, refusals and orders of one hour or day, key, reseller and route (O6).
package struct UsageRow: Sendable, Equatable {
    package private(set) var place: UsagePlace
    package private(set) var requests: Int64
    package private(set) var unauthorized: Int64
    package private(set) var forbidden: Int64
    package private(set) var rateLimited: Int64
    package private(set) var otherRefusals: Int64
    package private(set) var orders: Int64
    /// 401, 403 and 429 of days before they were told apart.
    private var untold: Int64

    /// 401, 403 and 429 together.
    package var refusals: Int64 { [forbidden, rateLimited, untold].reduce(unauthorized) { $0.addingClamped($1) } }

    static func columns(of period: String) -> Columns<UsageRow> {
        Columns(
            period, "key_id", "reseller_id", "action", "requests", "unauthorized", "forbidden", "rate_limited",
            "other_refusals", "orders", period == "day" ? "untold_refusals" : "0")
    }

    /// Newest first, behind a place, of everybody.
    fileprivate static func page(_ period: String) -> Statement {
        Statement(
            """
            SELECT \(columns(of: period)) FROM usage_\(period)
            WHERE (\(period), key_id, reseller_id, action) < (?1, ?2, ?3, ?4) AND \(period) BETWEEN ?5 AND ?6
            ORDER BY \(period) DESC, key_id DESC, reseller_id DESC, action DESC LIMIT ?7
            """)
    }

    /// The same of one reseller, by its index.
    fileprivate static func ofReseller(_ period: String) -> Statement {
        Statement(
            """
            SELECT \(columns(of: period)) FROM usage_\(period)
            WHERE reseller_id = ?3 AND (\(period), key_id, action) < (?1, ?2, ?4) AND \(period) BETWEEN ?5 AND ?6
            ORDER BY \(period) DESC, key_id DESC, action DESC LIMIT ?7
            """)
    }

    fileprivate static let lastHour = Statement("SELECT max(hour) FROM usage_hour WHERE reseller_id = ?1")
    fileprivate static let lastDay = Statement("SELECT max(day) FROM usage_day WHERE reseller_id = ?1")
    fileprivate static let dayPage = page("day")
    fileprivate static let hourPage = page("hour")
    fileprivate static let dayOfReseller = ofReseller("day")
    fileprivate static let hourOfReseller = ofReseller("hour")

    init(_ row: inout RowReader) throws {
        place = try UsagePlace(period: row.int(), keyID: row.int(), resellerID: row.int(), action: row.text())
        requests = try row.int()
        unauthorized = try row.int()
        forbidden = try row.int()
        rateLimited = try row.int()
        otherRefusals = try row.int()
        orders = try row.int()
        untold = try row.int()
    }

    /// The counts of an hour as part of its day.
    fileprivate init(_ hour: UsageRow, onDay day: Int64) {
        self = hour
        place = UsagePlace(
            period: day, keyID: hour.place.keyID, resellerID: hour.place.resellerID, action: hour.place.action)
    }

    /// To be added to.
    init(nothingIn period: Int64) {
        place = UsagePlace(period: period, keyID: 0, resellerID: 0, action: "")
        (requests, unauthorized, forbidden, rateLimited, otherRefusals, orders, untold) = (0, 0, 0, 0, 0, 0, 0)
    }

    mutating func add(_ other: UsageRow) {
        requests = requests.addingClamped(other.requests)
        unauthorized = unauthorized.addingClamped(other.unauthorized)
        forbidden = forbidden.addingClamped(other.forbidden)
        rateLimited = rateLimited.addingClamped(other.rateLimited)
        otherRefusals = otherRefusals.addingClamped(other.otherRefusals)
        orders = orders.addingClamped(other.orders)
        untold = untold.addingClamped(other.untold)
    }
}

/// The key of a usage row; newer is greater.
package struct UsagePlace: Sendable, Equatable, Comparable {
    /// Days or hours since 1970 in UTC.
    package let period: Int64
    /// 0 for a person signed in, and for nobody.
    package let keyID: Int64
    /// Whose calls they were; 0 where no reseller's.
    package let resellerID: Int64
    package let action: String

    package init(period: Int64, keyID: Int64, resellerID: Int64, action: String) {
        self.period = period
        self.keyID = keyID
        self.resellerID = resellerID
        self.action = action
    }

    /// As the file has them in order: texts by their bytes.
    package static func < (left: Self, right: Self) -> Bool {
        let (first, second) = (
            (left.period, left.keyID, left.resellerID), (right.period, right.keyID, right.resellerID)
        )
        return first == second ? left.action.utf8.lexicographicallyPrecedes(right.action.utf8) : first < second
    }

    /// Before every row of these periods and the earlier ones.
    static func start(_ period: Int64) -> UsagePlace {
        UsagePlace(period: period + 1, keyID: 0, resellerID: 0, action: "")
    }
}

extension TenantReader {
    /// The days or hours of a filter, newest first behind `place`, `limit` at the most; the day that has not ended
    /// with the hours that have not joined it. A reseller's rows are found by an index.
    package func usage(_ filter: UsageFilter, before place: UsagePlace?, limit: Int) throws -> [UsageRow] {
        let place = place ?? .start(filter.periods.upperBound)
        guard filter.period == .day else {
            return try usageRows(
                filter.resellerID == nil ? UsageRow.hourPage : UsageRow.hourOfReseller, filter, place,
                filter.periods, limit)
        }
        var rows = try usageRows(
            filter.resellerID == nil ? UsageRow.dayPage : UsageRow.dayOfReseller, filter, place, filter.periods, limit)
        // What joins its day later: the hour that runs, what a clock that was set back has left ahead, and what a full
        // disk keeps from joining.
        let mark = try connection.usageMark()
        let hours = try connection.rows(
            "SELECT DISTINCT hour FROM usage_hour WHERE hour >= ?1 ORDER BY hour", .integer(mark.hour)
        ) { try $0.int() }
        for hour in hours where filter.periods.contains(hour / UsageKey.hoursPerDay) {
            let day = hour / UsageKey.hoursPerDay
            if day > place.period { continue }
            let start =
                day == place.period
                ? UsagePlace(
                    period: hour, keyID: place.keyID, resellerID: place.resellerID, action: place.action)
                : .start(hour)
            let ofHour = try usageRows(
                filter.resellerID == nil ? UsageRow.hourPage : UsageRow.hourOfReseller, filter, start, hour...hour,
                limit)
            // The greatest come first: those that have joined stand behind those that have not.
            let apart = ofHour.prefix { row in
                let place = row.place
                return mark
                    < UsageMark(hour: hour, keyID: place.keyID, resellerID: place.resellerID, action: place.action)
            }
            rows = Self.merged(rows, apart.map { UsageRow($0, onDay: day) }, limit: limit)
        }
        return rows
    }

    /// When a reseller's keys and people called last, to the hour; past the hours that are kept, to the day.
    package func lastCall(ofReseller id: Int64) throws -> Timestamp? {
        let hour = try connection.row(UsageRow.lastHour, .integer(id)) { try $0.optionalInt() } ?? nil
        if let hour { return Timestamp(hour: hour) }
        let day = try connection.row(UsageRow.lastDay, .integer(id)) { try $0.optionalInt() } ?? nil
        return day.map(Timestamp.init(day:))
    }

    private func usageRows(
        _ statement: Statement, _ filter: UsageFilter, _ place: UsagePlace, _ periods: ClosedRange<Int64>, _ limit: Int
    ) throws -> [UsageRow] {
        try connection.rows(
            statement, .integer(place.period), .integer(place.keyID),
            .integer(filter.resellerID ?? place.resellerID), .text(place.action), .integer(periods.lowerBound),
            .integer(periods.upperBound), .int(limit), read: UsageRow.init)
    }

    /// Two lists, each with its greatest first, as one; rows of one place are added up.
    private static func merged(_ one: [UsageRow], _ other: [UsageRow], limit: Int) -> [UsageRow] {
        var all: [UsageRow] = []
        for row in (one + other).sorted(by: { $1.place < $0.place }) {
            if all.last?.place == row.place {
                all[all.count - 1].add(row)
            } else {
                all.append(row)
            }
        }
        return Array(all.prefix(limit))
    }
}
