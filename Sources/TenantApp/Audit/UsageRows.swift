import CallKit
import SQLite
package import TenantRegistry

/// Requests, refusals and orders of one day, reseller and route (O6).
package struct UsageRow: Sendable {
    package let place: UsagePlace
    package let requests: Int64
    /// 401, 403 and 429 together.
    package let refusals: Int64
    package let orders: Int64
    package let unauthorized: Int64
    package let forbidden: Int64
    package let rateLimited: Int64
    package let otherRefusals: Int64

    static let columns = Columns<UsageRow>(
        "day", "reseller_id", "action", "requests", "refusals", "orders", refused(401), refused(403), refused(429),
        refused(0))

    /// How many calls of the row were refused with a status; of days before that was counted, none.
    private static func refused(_ status: Int) -> String {
        """
        coalesce((SELECT r.count FROM usage_refusal r WHERE r.day = usage.day AND r.reseller_id = usage.reseller_id \
        AND r.action = usage.action AND r.status = \(status)), 0)
        """
    }
    fileprivate static let page = Statement(
        """
        SELECT \(columns) FROM usage
        WHERE (day, reseller_id, action) < (?1, ?2, ?3) AND day BETWEEN ?4 AND ?5
        ORDER BY day DESC, reseller_id DESC, action DESC LIMIT ?6
        """)
    fileprivate static let ofReseller = Statement(
        """
        SELECT \(columns) FROM usage
        WHERE day = ?1 AND reseller_id = ?2 AND (?3 IS NULL OR action < ?3) ORDER BY action DESC LIMIT ?4
        """)

    init(_ row: inout RowReader) throws {
        place = try UsagePlace(day: row.int(), resellerID: row.int(), action: row.text())
        requests = try row.int()
        refusals = try row.int()
        orders = try row.int()
        unauthorized = try row.int()
        forbidden = try row.int()
        rateLimited = try row.int()
        otherRefusals = try row.int()
    }
}

/// The key of a usage row; newer days are greater.
package struct UsagePlace: Sendable, Equatable {
    /// Days since 1970 in UTC.
    package let day: Int64
    /// Whose calls they were; 0 where no reseller's.
    package let resellerID: Int64
    package let action: String

    package init(day: Int64, resellerID: Int64, action: String) {
        self.day = day
        self.resellerID = resellerID
        self.action = action
    }
}

extension TenantReader {
    /// The newest day first, behind `place`.
    package func usage(
        days: ClosedRange<Int64>, before place: UsagePlace?, limit: Int
    ) throws -> [UsageRow] {
        let start = place ?? UsagePlace(day: days.upperBound + 1, resellerID: 0, action: "")
        return try connection.rows(
            UsageRow.page, .integer(start.day), .integer(start.resellerID), .text(start.action),
            .integer(days.lowerBound),
            .integer(min(days.upperBound, start.day)), .int(limit), read: UsageRow.init)
    }

    /// The same of one reseller: a look-up a day, not a walk past everybody else.
    package func usage(
        ofReseller id: Int64, days: ClosedRange<Int64>, before place: UsagePlace?, limit: Int
    ) throws -> [UsageRow] {
        var rows: [UsageRow] = []
        var day = min(place?.day ?? days.upperBound, days.upperBound)
        while day >= days.lowerBound && rows.count < limit {
            let isFirst = place?.day == day
            rows += try connection.rows(
                UsageRow.ofReseller, .integer(day), .integer(id), .optional(isFirst ? place?.action : nil),
                .int(limit - rows.count),
                read: UsageRow.init)
            day -= 1
        }
        return rows
    }
}
