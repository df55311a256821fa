package import SQLite

/// Calls by hour and by day (O6): each batch adds to its hours, and a closed hour joins its day. Days are for ever.
///
/// Invariant: a day has what its hours have up to the mark, each row of them once. What comes late to an hour that the
/// mark has passed goes to both.
package struct UsageMark: Sendable, Comparable {
    package let hour: Int64
    package let keyID: Int64
    package let resellerID: Int64
    package let action: String

    package init(hour: Int64, keyID: Int64, resellerID: Int64, action: String) {
        self.hour = hour
        self.keyID = keyID
        self.resellerID = resellerID
        self.action = action
    }

    init(_ row: inout RowReader) throws {
        self.init(hour: try row.int(), keyID: try row.int(), resellerID: try row.int(), action: try row.text())
    }

    init(_ key: UsageKey) {
        self.init(hour: key.hour, keyID: key.keyID, resellerID: key.resellerID, action: key.action)
    }

    /// As SQLite has them in order: texts by their bytes.
    package static func < (left: Self, right: Self) -> Bool {
        if (left.hour, left.keyID, left.resellerID) != (right.hour, right.keyID, right.resellerID) {
            return (left.hour, left.keyID, left.resellerID) < (right.hour, right.keyID, right.resellerID)
        }
        return left.action.utf8.lexicographicallyPrecedes(right.action.utf8)
    }

    fileprivate var values: [SQLValue] { [.integer(hour), .integer(keyID), .integer(resellerID), .text(action)] }
}

extension UsageCount {
    fileprivate static let hour = upsert(into: "usage_hour", "hour")
    fileprivate static let day = upsert(into: "usage_day", "day")

    private static func upsert(into table: String, _ period: String) -> Statement {
        Statement(
            """
            INSERT INTO \(table) (\(period), key_id, reseller_id, action, requests, unauthorized, forbidden, rate_limited,
                other_refusals, orders)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO UPDATE SET \(added)
            """)
    }

    fileprivate static let added = """
        requests = requests + excluded.requests, unauthorized = unauthorized + excluded.unauthorized,
        forbidden = forbidden + excluded.forbidden, rate_limited = rate_limited + excluded.rate_limited,
        other_refusals = other_refusals + excluded.other_refusals, orders = orders + excluded.orders
        """
}

extension Connection {
    /// Up to which row of the hours days have counted.
    package func usageMark() throws -> UsageMark {
        let mark = try row("SELECT hour, key_id, reseller_id, action FROM usage_mark WHERE id = 1") {
            try UsageMark(&$0)
        }
        return mark ?? UsageMark(hour: .min, keyID: 0, resellerID: 0, action: "")
    }

    /// `mark`: where days have come to.
    func add(_ count: UsageCount, to key: UsageKey, countedUpTo mark: UsageMark) throws {
        try add(count, to: key, UsageCount.hour, key.hour)
        // Nearly every hour is later than those that have joined their days.
        if key.hour <= mark.hour, UsageMark(key) <= mark {
            try add(count, to: key, UsageCount.day, key.hour / UsageKey.hoursPerDay)
        }
    }

    private func add(_ count: UsageCount, to key: UsageKey, _ statement: Statement, _ period: Int64) throws {
        try run(
            statement, .integer(period), .integer(key.keyID), .integer(key.resellerID), .text(key.action),
            .int(count.requests), .int(count.unauthorized), .int(count.forbidden), .int(count.rateLimited),
            .int(count.otherRefusals), .int(count.orders))
    }
}

extension TenantReader {
    /// Whether an hour has ended that its day has not counted.
    package func hasUsageToJoin() throws -> Bool {
        let mark = try connection.usageMark()
        return try connection.row(
            UsageMark.next, values: mark.values + [.integer(UsageKey.hour(of: now)), .int(0)]
        ) { _ in true } ?? false
    }
}

extension UsageMark {
    fileprivate static let next = Statement(
        """
        SELECT hour, key_id, reseller_id, action FROM usage_hour
        WHERE (hour, key_id, reseller_id, action) > (?1, ?2, ?3, ?4) AND hour < ?5
        ORDER BY hour, key_id, reseller_id, action LIMIT 1 OFFSET ?6
        """)
}

extension TenantTransaction {
    /// So many rows of hours join their days in one lane job: well under a lane's 5 ms.
    package static let usageRowsMax = 300
    package static let usageHoursKeptDays: Int64 = 35

    private static let join = Statement(
        """
        INSERT INTO usage_day (day, key_id, reseller_id, action, requests, unauthorized, forbidden, rate_limited,
            other_refusals, orders)
        SELECT hour / 24, key_id, reseller_id, action, requests, unauthorized, forbidden, rate_limited, other_refusals,
            orders
        FROM usage_hour
        WHERE (hour, key_id, reseller_id, action) > (?1, ?2, ?3, ?4)
            AND (hour, key_id, reseller_id, action) <= (?5, ?6, ?7, ?8)
        ON CONFLICT DO UPDATE SET \(UsageCount.added)
        """)

    /// Adds the rows of closed hours to their days, `limit` at the most. Returns whether there may be more.
    @discardableResult
    package func joinUsage(limit: Int = usageRowsMax) throws -> Bool {
        let mark = try connection.usageMark()
        let open = UsageKey.hour(of: now)
        func place(_ offset: Int) throws -> UsageMark? {
            try connection.row(
                UsageMark.next, values: mark.values + [.integer(open), .int(offset)]
            ) { try UsageMark(&$0) }
        }
        let whole = try place(limit - 1)
        guard let last = try whole ?? lastClosed(behind: mark, before: open) else { return false }
        try connection.run(Self.join, values: mark.values + last.values)
        try connection.run(
            Self.save, values: last.values)
        store.usageMarkMoves()
        return whole != nil
    }

    private static let save = Statement(
        """
        INSERT INTO usage_mark (id, hour, key_id, reseller_id, action) VALUES (1, ?1, ?2, ?3, ?4)
        ON CONFLICT DO UPDATE SET hour = excluded.hour, key_id = excluded.key_id, reseller_id = excluded.reseller_id,
            action = excluded.action
        """)
    private static let lastBefore = Statement(
        """
        SELECT hour, key_id, reseller_id, action FROM usage_hour
        WHERE (hour, key_id, reseller_id, action) > (?1, ?2, ?3, ?4) AND hour < ?5
        ORDER BY hour DESC, key_id DESC, reseller_id DESC, action DESC LIMIT 1
        """)

    private func lastClosed(behind mark: UsageMark, before open: Int64) throws -> UsageMark? {
        try connection.row(Self.lastBefore, values: mark.values + [.integer(open)]) { try UsageMark(&$0) }
    }

    /// Hours that have had their time and are in their days.
    package func purgeUsage(limit: Int) throws {
        let oldest = UsageKey.hour(of: now.adding(days: -Self.usageHoursKeptDays))
        let mark = try connection.usageMark()
        try connection.run(
            """
            DELETE FROM usage_hour WHERE (hour, key_id, reseller_id, action) IN (
                SELECT hour, key_id, reseller_id, action FROM usage_hour
                WHERE hour < ?1 AND (hour, key_id, reseller_id, action) <= (?2, ?3, ?4, ?5) LIMIT ?6)
            """,
            .integer(oldest), .integer(mark.hour), .integer(mark.keyID), .integer(mark.resellerID), .text(mark.action),
            .int(limit))
    }
}
