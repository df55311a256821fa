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

    fileprivate static let lastHour = Statement("SELECT max(hour) FROM usage_hour WHERE reseller_id = ?1")
    fileprivate static let lastDay = Statement("SELECT max(day) FROM usage_day WHERE reseller_id = ?1")

    init(_ row: inout RowReader) throws {
        place = try UsagePlace(&row)
        requests = try row.int()
        unauthorized = try row.int()
        forbidden = try row.int()
        rateLimited = try row.int()
        otherRefusals = try row.int()
        orders = try row.int()
        untold = try row.int()
    }

    /// The counts of an hour as part of its day.
    init(_ hour: UsageRow, onDay day: Int64) {
        self = hour
        place = UsagePlace(
            period: day, keyID: hour.place.keyID, resellerID: hour.place.resellerID, action: hour.place.action)
    }

    /// To be added to.
    init(nothingAt place: UsagePlace) {
        self.place = place
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
package struct UsagePlace: Sendable, Hashable, Comparable {
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

    init(_ row: inout RowReader) throws {
        try self.init(period: row.int(), keyID: row.int(), resellerID: row.int(), action: row.text())
    }

    /// As the file has them in order: texts by their bytes.
    package static func < (left: Self, right: Self) -> Bool {
        let (first, second) = (
            (left.period, left.keyID, left.resellerID), (right.period, right.keyID, right.resellerID)
        )
        return first == second ? left.action.utf8.lexicographicallyPrecedes(right.action.utf8) : first < second
    }

    /// No row of this hour or day is below, and none of an earlier one is above.
    static func foot(_ period: Int64) -> UsagePlace {
        UsagePlace(period: period, keyID: 0, resellerID: 0, action: "")
    }
}

extension TenantReader {
    /// When a reseller's keys and people called last, to the hour; past the hours that are kept, to the day.
    package func lastCall(ofReseller id: Int64) throws -> Timestamp? {
        let hour = try connection.row(UsageRow.lastHour, .integer(id)) { try $0.optionalInt() } ?? nil
        if let hour { return Timestamp(hour: hour) }
        let day = try connection.row(UsageRow.lastDay, .integer(id)) { try $0.optionalInt() } ?? nil
        return day.map(Timestamp.init(day:))
    }
}
