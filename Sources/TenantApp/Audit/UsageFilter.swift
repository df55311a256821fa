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

    func matches(_ row: UsageRow) -> Bool {
        if let keyID, row.place.keyID != keyID { return false }
        if let route, row.place.action != route { return false }
        if callers == .keys, row.place.keyID == 0 { return false }
        return true
    }
}

/// Goes along the counts of calls, a bounded number of rows a lane job. A value that moves on.
package struct UsageWalk: Sendable {
    /// So many rows are looked at in one lane job: well under a lane's 5 ms.
    package static let rowsMax = 1_000
    /// So many jobs make a page at the most: one of a filter that finds little may be short, and goes on.
    private static let stretchesMax = 32
    /// What is put in another order is gone along as a whole for each page.
    package static let sortedRowsMax = 100_000
    /// Sums need no memory, but each thousand is a job of the lane.
    private static let summedRowsMax = 1_000_000

    private let steps: Steps
    private let filter: UsageFilter

    package init(_ steps: Steps, _ filter: UsageFilter) {
        self.steps = steps
        self.filter = filter
    }

    /// Newest first behind `place`, at most `count`, and where it goes on; nil where nothing is left.
    package func page(before place: UsagePlace?, _ count: Int) async throws -> (rows: [UsageRow], next: UsagePlace?) {
        let filter = filter
        var (rows, place) = ([UsageRow](), place)
        for _ in 0..<Self.stretchesMax {
            let before = place
            let found = try await steps.read { try $0.usage(filter, before: before, limit: Self.rowsMax) }
            for row in found where filter.matches(row) {
                if rows.count == count { return (rows, rows.last?.place) }
                rows.append(row)
            }
            guard found.count == Self.rowsMax, let last = found.last else { return (rows, nil) }
            place = last.place
        }
        return (rows, place)
    }

    /// The sum of each hour or day, oldest first. Throws where it is too much to be added up.
    package func totals() async throws -> [UsageRow] {
        var sums = filter.periods.map { UsageRow(nothingIn: $0) }
        try await each { row in sums[Int(row.place.period - filter.periods.lowerBound)].add(row) }
        return sums
    }

    /// Takes every row, newest first. Throws where they are too many to be added up.
    func each(_ take: (UsageRow) -> Void) async throws {
        let filter = filter
        var (place, looked) = (UsagePlace?.none, 0)
        while true {
            let before = place
            let found = try await steps.read { try $0.usage(filter, before: before, limit: Self.rowsMax) }
            looked += found.count
            guard looked <= Self.summedRowsMax else {
                throw Refusal.field("/from", "range", "covers too much to be added up; ask for less at a time")
            }
            for row in found where filter.matches(row) { take(row) }
            guard found.count == Self.rowsMax, let last = found.last else { return }
            place = last.place
        }
    }

    /// Those of the filter behind `rank`, by a count and then by place, the greatest first or the smallest; at most
    /// `count`. Throws where it is too much to be put in order.
    package func sorted(
        by order: UsageFilter.Order, isDescending: Bool, behind rank: UsageRank?, _ count: Int
    ) async throws -> [UsageRow] {
        let filter = filter
        func isBefore(_ first: UsageRank, _ second: UsageRank) -> Bool {
            if first.count == second.count { return second.place < first.place }
            return isDescending ? first.count > second.count : first.count < second.count
        }
        var best: [(rank: UsageRank, row: UsageRow)] = []
        var (place, looked) = (UsagePlace?.none, 0)
        while true {
            let before = place
            let found = try await steps.read { try $0.usage(filter, before: before, limit: Self.rowsMax) }
            looked += found.count
            guard looked <= Self.sortedRowsMax else {
                throw Refusal.field("/from", "range", "covers too much to be sorted; ask for less at a time")
            }
            let worst = best.count == count ? best.last?.rank : nil
            for row in found where filter.matches(row) {
                let own = UsageRank(row, by: order)
                if let rank, !isBefore(rank, own) { continue }
                if let worst, !isBefore(own, worst) { continue }
                best.append((own, row))
            }
            best = Array(best.sorted { isBefore($0.rank, $1.rank) }.prefix(count))
            guard found.count == Self.rowsMax, let last = found.last else { return best.map(\.row) }
            place = last.place
        }
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
