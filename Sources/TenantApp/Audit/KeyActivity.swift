import CallKit
import SQLite
package import TenantRegistry

/// How much keys were used lately: each of the last hours, and when last (O1, O6). Of any number of keys by one query.
package struct KeyActivity: Sendable {
    package struct Hour: Sendable {
        package let begins: Timestamp
        package fileprivate(set) var requests: Int64 = 0
        /// 401, 403 and 429.
        package fileprivate(set) var refusals: Int64 = 0
        package fileprivate(set) var otherRefusals: Int64 = 0
    }

    /// Every hour of the period, the oldest first.
    package fileprivate(set) var hours: [Hour]
    /// When the hour began in which the last call came, or the day; nil where none has for `daysMax` days.
    package fileprivate(set) var lastUsedAt: Timestamp?

    package static let hoursCount: Int64 = 24
    package static let daysMax: Int64 = 90

    fileprivate init(endingIn hour: Int64) {
        hours = (hour - Self.hoursCount + 1...hour).map {
            Hour(begins: Timestamp(hour: $0))
        }
    }

    package var requests: Int64 { hours.reduce(0) { $0.addingClamped($1.requests) } }
    package var refusals: Int64 {
        hours.reduce(0) { $0.addingClamped($1.refusals).addingClamped($1.otherRefusals) }
    }

    /// ?1: the keys' ids as a JSON array. A key's rows of an hour are found by the table's own key.
    fileprivate static let byHour = Statement(
        """
        WITH RECURSIVE span (hour) AS (SELECT ?2 UNION ALL SELECT hour + 1 FROM span WHERE hour < ?3)
        SELECT u.key_id, u.hour, sum(u.requests), sum(u.unauthorized + u.forbidden + u.rate_limited),
            sum(u.other_refusals)
        FROM json_each(?1) k CROSS JOIN span CROSS JOIN usage_hour u ON u.hour = span.hour AND u.key_id = k.value
        GROUP BY u.key_id, u.hour
        """)
    fileprivate static let lastDay = Statement(
        """
        WITH RECURSIVE span (day) AS (SELECT ?3 UNION ALL SELECT day - 1 FROM span WHERE day > ?2)
        SELECT k.value, (
            SELECT span.day FROM span
            WHERE EXISTS (SELECT 1 FROM usage_day u WHERE u.day = span.day AND u.key_id = k.value) LIMIT 1)
        FROM json_each(?1) k
        """)
}

extension TenantReader {
    /// By the keys' ids.
    package func activity(ofKeys ids: [Int64]) throws -> [Int64: KeyActivity] {
        let last = UsageKey.hour(of: now)
        let first = last - KeyActivity.hoursCount + 1
        var found: [Int64: KeyActivity] = [:]
        for id in ids { found[id] = KeyActivity(endingIn: last) }
        try connection.forEach(
            KeyActivity.byHour, .text(Self.json(ids)), .integer(first), .integer(last)
        ) { row in
            let (id, hour) = (try row.int(), try row.int())
            let place = Int(hour - first)
            found[id]?.hours[place].requests = try row.int()
            found[id]?.hours[place].refusals = try row.int()
            found[id]?.hours[place].otherRefusals = try row.int()
            return true
        }
        for (id, activity) in found {
            found[id]?.lastUsedAt = activity.hours.last { $0.requests > 0 }?.begins
        }
        return found
    }

    /// When the day began on which a key was last used, of those that the last hours say nothing of.
    package func lastDays(ofKeys ids: [Int64]) throws -> [Int64: Timestamp] {
        let today = Int64(now.date.daysSinceEpoch)
        var found: [Int64: Timestamp] = [:]
        try connection.forEach(
            KeyActivity.lastDay, .text(Self.json(ids)), .integer(today - KeyActivity.daysMax), .integer(today)
        ) { row in
            let id = try row.int()
            if let day = try row.optionalInt() {
                found[id] = Timestamp(day: day)
            }
            return true
        }
        return found
    }

    private static func json(_ ids: [Int64]) -> String { "[\(ids.map(String.init).joined(separator: ","))]" }
}
