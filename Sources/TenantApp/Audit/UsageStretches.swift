import SQLite
import TenantRegistry

/// What is asked of a stretch of counts. SQLite filters it, puts it in order and adds it up: what is decoded is shown,
/// or is a sum.
enum UsageTake: Sendable {
    /// The newest, at most so many.
    case newest(Int)
    /// The first by a count, at most so many.
    case ranked(UsageRanking, Int)
    /// The sum of each hour or day, or of each group.
    case sums(UsageGroup?)
}

/// What a lane job has found along one stretch, and where the next one begins; nil where nothing is left.
struct UsageStretch: Sendable {
    /// So many rows are looked at in one lane job: well under a lane's 5 ms, also where each is a sum of its own.
    static let rowsMax = 1_000

    let rows: [UsageRow]
    let next: UsagePlace?
}

/// The statements of one table of counts, of everybody's rows by its key or of one reseller's by its index.
///
/// ?1 to ?4: the place below which rows are, ?5 to ?8: the place down to which. ?9 to ?11: the filter.
private struct UsageTable {
    let period: UsageFilter.Period
    let isOfReseller: Bool

    private static let places = ["key_id", "reseller_id", "action"]
    private var time: String { period.rawValue }
    private var place: String { ([time] + Self.places).joined(separator: ", ") }
    private var newestFirst: String {
        ([time] + Self.places.filter { !isOfReseller || $0 != "reseller_id" }).map { "\($0) DESC" }
            .joined(separator: ", ")
    }
    private var stretch: String {
        isOfReseller
            ? """
            usage_\(time) WHERE reseller_id = ?3 AND (\(time), key_id, action) < (?1, ?2, ?4)
                AND (\(time), key_id, action) >= (?5, ?6, ?8)
            """
            : "usage_\(time) WHERE (\(place)) < (?1, ?2, ?3, ?4) AND (\(place)) >= (?5, ?6, ?7, ?8)"
    }
    private var found: String {
        """
        \(stretch)
            AND (?9 IS NULL OR key_id = ?9) AND (?10 IS NULL OR action = ?10) AND (NOT ?11 OR key_id <> 0)
        """
    }

    /// The last place of as many rows as a job looks at; none where there are fewer.
    var end: Statement {
        Statement(
            shared: """
                SELECT \(place) FROM \(stretch) ORDER BY \(newestFirst) LIMIT 1 OFFSET \(UsageStretch.rowsMax - 1)
                """)
    }

    func statement(_ take: UsageTake) -> Statement {
        switch take {
        case .newest:
            Statement(
                shared: """
                    SELECT \(UsageRow.columns(of: time)) FROM \(found) ORDER BY \(newestFirst) LIMIT ?12
                    """)
        case .ranked(let ranking, _): ranked(ranking)
        case .sums(let group): sums(group)
        }
    }

    /// A row for each: its own part of the place, and 0 or nothing for the rest.
    private func sums(_ group: UsageGroup?) -> Statement {
        let (place, column) =
            switch group {
            case nil: ("\(time), 0, 0, ''", time)
            case .key: ("0, key_id, 0, ''", "key_id")
            case .reseller: ("0, 0, reseller_id, ''", "reseller_id")
            case .route: ("0, 0, 0, action", "action")
            }
        return Statement(
            shared: """
                SELECT \(place), sum(requests), sum(unauthorized), sum(forbidden), sum(rate_limited),
                    sum(other_refusals), sum(orders), \(period == .day ? "sum(untold_refusals)" : "0")
                FROM \(found)
                GROUP BY \(column)
                """)
    }

    /// ?13 to ?17: the rank behind which rows are. ?18: the count that they have to be before.
    private func ranked(_ ranking: UsageRanking) -> Statement {
        let count = count(ranking.order)
        let (behind, before, order) = ranking.isDescending ? ("<", ">", "DESC") : (">", "<", "ASC")
        return Statement(
            shared: """
                SELECT \(UsageRow.columns(of: time)) FROM \(found)
                    AND (?13 IS NULL OR \(count) \(behind) ?13 OR \(count) = ?13 AND (\(place)) < (?14, ?15, ?16, ?17))
                    AND (?18 IS NULL OR \(count) \(before) ?18)
                ORDER BY \(count) \(order), \(newestFirst) LIMIT ?12
                """)
    }

    /// As `UsageFilter.Order.count` counts a row.
    private func count(_ order: UsageFilter.Order) -> String {
        switch order {
        case .refusals: "unauthorized + forbidden + rate_limited\(period == .day ? " + untold_refusals" : "")"
        case .requests, .unauthorized, .forbidden, .rateLimited, .otherRefusals, .orders: order.rawValue
        }
    }
}

extension UsageTake {
    fileprivate var values: [SQLValue] {
        switch self {
        case .newest(let limit): [.int(limit)]
        case .ranked(let ranking, let limit):
            [.int(limit), .optional(ranking.behind?.count)]
                + (ranking.behind?.place.values ?? Array(repeating: .null, count: 4)) + [.optional(ranking.last)]
        case .sums: []
        }
    }
}

extension UsagePlace {
    fileprivate var values: [SQLValue] { [.integer(period), .integer(keyID), .integer(resellerID), .text(action)] }

    /// Of a reseller's rows.
    fileprivate func values(ofReseller id: Int64?) -> [SQLValue] {
        UsagePlace(period: period, keyID: keyID, resellerID: id ?? resellerID, action: action).values
    }
}

extension UsageFilter {
    fileprivate var values: [SQLValue] { [.optional(keyID), .optional(route), .bool(callers == .keys)] }
    fileprivate static let noValues: [SQLValue] = [.null, .null, .bool(false)]
}

extension TenantReader {
    /// What `take` asks of the next rows of a filter below `place`. The days that have not counted all of their hours
    /// are stretches of their own.
    func usageStretch(_ filter: UsageFilter, _ take: UsageTake, below place: UsagePlace) throws -> UsageStretch {
        var foot = filter.foot
        if filter.period == .day, let day = try openDay(filter, below: place) {
            guard place > .foot(day + 1) else { return try openStretch(day, filter, below: place) }
            foot = .foot(day + 1)
        }
        let table = UsageTable(period: filter.period, isOfReseller: filter.resellerID != nil)
        let whole = place.values(ofReseller: filter.resellerID) + foot.values
        let end = try connection.row(table.end, values: whole) { try UsagePlace(&$0) }
        let stretch = place.values(ofReseller: filter.resellerID) + (end ?? foot).values
        let rows = try connection.rows(
            table.statement(take), values: stretch + filter.values + take.values, read: UsageRow.init)
        return UsageStretch(rows: rows, next: end ?? (foot == filter.foot ? nil : foot))
    }

    /// The newest day of a filter below `place` with an hour that joins it later: the hour that runs, what a clock that
    /// was set back has left ahead, and what a full disk keeps from joining.
    private func openDay(_ filter: UsageFilter, below place: UsagePlace) throws -> Int64? {
        let foot = UsageMark(
            hour: filter.periods.lowerBound * UsageKey.hoursPerDay, keyID: -1, resellerID: 0, action: "")
        let mark = max(try connection.usageMark(), foot)
        let last = place == .foot(place.period) ? place.period - 1 : place.period
        return try connection.row(
            """
            SELECT hour FROM usage_hour WHERE (hour, key_id, reseller_id, action) > (?1, ?2, ?3, ?4) AND hour < ?5
            ORDER BY hour DESC LIMIT 1
            """,
            .integer(mark.hour), .integer(mark.keyID), .integer(mark.resellerID), .text(mark.action),
            .integer((last + 1) * UsageKey.hoursPerDay)
        ) { try $0.int() / UsageKey.hoursPerDay }
    }

    /// The rows of such a day, with those of the hours that have not joined it. They are merged by their places, so
    /// whoever asked orders them and adds them up.
    private func openStretch(
        _ day: Int64, _ filter: UsageFilter, below place: UsagePlace
    ) throws -> UsageStretch {
        let mark = try connection.usageMark()
        var rows = try usageRows(.day, filter, below: place, downTo: .foot(day))
        for hour in max(mark.hour, day * UsageKey.hoursPerDay)..<(day + 1) * UsageKey.hoursPerDay {
            let start =
                place.period == day
                ? UsagePlace(
                    period: hour, keyID: place.keyID, resellerID: place.resellerID, action: place.action)
                : .foot(hour + 1)
            // The greatest come first: those that have joined stand behind those that have not.
            let apart = try usageRows(.hour, filter, below: start, downTo: .foot(hour)).prefix { row in
                let place = row.place
                return mark
                    < UsageMark(hour: hour, keyID: place.keyID, resellerID: place.resellerID, action: place.action)
            }
            if !apart.isEmpty { rows = Self.merged(rows, apart.map { UsageRow($0, onDay: day) }) }
        }
        let next = rows.count == UsageStretch.rowsMax ? rows.last?.place : .foot(day)
        return UsageStretch(rows: rows.filter(filter.matches), next: next == filter.foot ? nil : next)
    }

    private func usageRows(
        _ period: UsageFilter.Period, _ filter: UsageFilter, below place: UsagePlace, downTo foot: UsagePlace
    ) throws -> [UsageRow] {
        let table = UsageTable(period: period, isOfReseller: filter.resellerID != nil)
        let take = UsageTake.newest(UsageStretch.rowsMax)
        return try connection.rows(
            table.statement(take),
            values: place.values(ofReseller: filter.resellerID) + foot.values + UsageFilter.noValues + take.values,
            read: UsageRow.init)
    }

    /// Two lists, each with its greatest first, as one; rows of one place are added up.
    private static func merged(_ one: [UsageRow], _ other: [UsageRow]) -> [UsageRow] {
        var all: [UsageRow] = []
        for row in (one + other).sorted(by: { $1.place < $0.place }) {
            if all.last?.place == row.place {
                all[all.count - 1].add(row)
            } else {
                all.append(row)
            }
        }
        return Array(all.prefix(UsageStretch.rowsMax))
    }
}
