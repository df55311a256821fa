package import CallKit
import TenantRegistry

/// Which counts of calls are asked for (O6). A value: any thread.
package struct UsageFilter: Sendable {
    package enum Period: String, Sendable, CaseIterable {
        case day
        case hour
    }

    package enum Order: String, Sendable, CaseIterable {
        case requests
        case refusals
        case unauthorized
        case forbidden
        case rateLimited = "rate_limited"
        case otherRefusals = "other_refusals"
        case orders

        package func count(_ row: UsageRow) -> Int64 {
            switch self {
            case .requests: row.requests
            case .refusals: row.refusals
            case .unauthorized: row.unauthorized
            case .forbidden: row.forbidden
            case .rateLimited: row.rateLimited
            case .otherRefusals: row.otherRefusals
            case .orders: row.orders
            }
        }
    }

    package let period: Period
    /// Whose calls count.
    package enum Callers: String, Sendable, CaseIterable {
        case all
        /// Those that came with a key: without what people look at and press once they are signed in.
        case keys
    }

    /// Days or hours since 1970 in UTC; both ends count.
    package let periods: ClosedRange<Int64>
    package var resellerID: Int64?
    package var keyID: Int64?
    package var route: String?
    package var callers = Callers.all

    package init(_ period: Period, _ periods: ClosedRange<Int64>) {
        self.period = period
        self.periods = periods
    }

    /// Above every row, and the place that none is below.
    var top: UsagePlace { .foot(periods.upperBound + 1) }
    var foot: UsagePlace { .foot(periods.lowerBound) }

    func matches(_ row: UsageRow) -> Bool {
        if let keyID, row.place.keyID != keyID { return false }
        if let route, row.place.action != route { return false }
        if callers == .keys, row.place.keyID == 0 { return false }
        return true
    }
}

/// Goes along the counts of calls, a stretch a lane job. A value that moves on.
package struct UsageWalk: Sendable {
    /// So many jobs make a page at the most: one of a filter that finds little may be short, and goes on.
    private static let stretchesMax = 32
    /// What is added up, or put in another order, is gone along as a whole.
    private static let stretchesOfAllMax = 1_000_000 / UsageStretch.rowsMax

    private let steps: Steps
    private let filter: UsageFilter

    package init(_ steps: Steps, _ filter: UsageFilter) {
        self.steps = steps
        self.filter = filter
    }

    /// Newest first behind `place`, at most `count`, and where it goes on; nil where nothing is left.
    package func page(before place: UsagePlace?, _ count: Int) async throws -> (rows: [UsageRow], next: UsagePlace?) {
        var (rows, place) = ([UsageRow](), min(place ?? filter.top, filter.top))
        for _ in 0..<Self.stretchesMax {
            let found = try await stretch(.newest(count + 1 - rows.count), below: place)
            rows += found.rows
            if rows.count > count {
                let shown = Array(rows.prefix(count))
                return (shown, shown.last?.place)
            }
            guard let next = found.next else { return (rows, nil) }
            place = next
        }
        return (rows, place)
    }

    /// The sum of each hour or day, oldest first. Throws where it is too much to be added up.
    package func totals() async throws -> [UsageRow] {
        var sums = filter.periods.map { UsageRow(nothingAt: .foot($0)) }
        try await each("added up", { .sums(nil) }) { row in
            sums[Int(row.place.period - filter.periods.lowerBound)].add(row)
        }
        return sums
    }

    /// The sums over the whole time, the greatest by `order` first. Throws where it is too much to be added up.
    package func sums(of group: UsageGroup, by order: UsageFilter.Order) async throws -> [UsageRow] {
        var sums: [UsagePlace: UsageRow] = [:]
        try await each("added up", { .sums(group) }) { row in
            let place = group.place(of: row.place)
            sums[place, default: UsageRow(nothingAt: place)].add(row)
        }
        let ranking = UsageRanking(order: order, isDescending: true)
        return sums.values.sorted(by: ranking.isBefore)
    }

    /// Those of the filter behind `rank`, by a count and then by place, the greatest first or the smallest; at most
    /// `count`. Throws where it is too much to be put in order.
    package func sorted(
        by order: UsageFilter.Order, isDescending: Bool, behind rank: UsageRank?, _ count: Int
    ) async throws -> [UsageRow] {
        var ranking = UsageRanking(order: order, isDescending: isDescending, behind: rank)
        var best: [UsageRow] = []
        try await each("sorted", { .ranked(ranking, count) }) { row in
            guard ranking.takes(row) else { return }
            best.append(row)
        } then: {
            best = Array(best.sorted(by: ranking.isBefore).prefix(count))
            if best.count == count { ranking.last = best.last.map(order.count) }
        }
        return best
    }

    private func stretch(_ take: UsageTake, below place: UsagePlace) async throws -> UsageStretch {
        let filter = filter
        return try await steps.read { try $0.usageStretch(filter, take, below: place) }
    }

    /// Goes along all that the filter finds, newest first. `then`: behind each stretch. Throws where it is too much to
    /// be `done`.
    private func each(
        _ done: String, _ take: () -> UsageTake, _ use: (UsageRow) -> Void, then: () -> Void = {}
    ) async throws {
        var place = filter.top
        for _ in 0..<Self.stretchesOfAllMax {
            let found = try await stretch(take(), below: place)
            found.rows.forEach(use)
            then()
            guard let next = found.next else { return }
            place = next
        }
        throw Refusal.field("/from", "range", "covers too much to be \(done); ask for less at a time")
    }
}

/// A list by a count, and then newest first.
struct UsageRanking: Sendable {
    let order: UsageFilter.Order
    let isDescending: Bool
    /// Rows stand behind it.
    var behind: UsageRank?
    /// The count of the last row that a page has room for: what is older has to be before it.
    var last: Int64?

    func isBefore(_ first: UsageRow, _ second: UsageRow) -> Bool {
        isBefore(UsageRank(first, by: order), UsageRank(second, by: order))
    }

    func takes(_ row: UsageRow) -> Bool { behind.map { isBefore($0, UsageRank(row, by: order)) } ?? true }

    private func isBefore(_ first: UsageRank, _ second: UsageRank) -> Bool {
        if first.count == second.count { return second.place < first.place }
        return isDescending ? first.count > second.count : first.count < second.count
    }
}

/// Where a row stands in a list by a count: pages go on behind it, whatever has been counted since.
package struct UsageRank: Sendable {
    let count: Int64
    let place: UsagePlace

    init(count: Int64, place: UsagePlace) {
        self.count = count
        self.place = place
    }

    init(_ row: UsageRow, by order: UsageFilter.Order) {
        self.init(count: order.count(row), place: row.place)
    }
}
