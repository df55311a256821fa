import CallKit
package import TenantRegistry

/// One of the reports over the live book's ledger (O14), as it was asked for. A value: any thread.
package struct LedgerReport: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case turnover
        case refunds
        case holds
        case credit
        case balances

        /// Balances are of resellers: a product has none.
        package var groupings: [DayTotalKey.Grouping] {
            switch self {
            case .turnover, .refunds, .holds: [.tenant, .product, .reseller]
            case .balances: [.tenant, .reseller]
            case .credit: [.reseller]
            }
        }

        /// It tells of how things stood, of days too on which nothing moved.
        var tellsOfStanding: Bool { self == .credit || self == .balances }
    }

    package let kind: Kind
    package let period: ReportPeriod
    package let grouping: DayTotalKey.Grouping
    /// Both days count. Where the last is before the first the report is empty.
    package let firstDay: Int64
    package let lastDay: Int64

    /// A year of days, ten years of months.
    package static func daysMax(_ period: ReportPeriod) -> Int64 { period == .day ? 366 : 3_660 }

    package init(
        _ kind: Kind, by period: ReportPeriod, of grouping: DayTotalKey.Grouping, from firstDay: Int64,
        through lastDay: Int64
    ) {
        self.kind = kind
        self.period = period
        self.grouping = grouping
        self.firstDay = firstDay
        self.lastDay = lastDay
    }

    /// Whether a line of these numbers is worth showing.
    func shows(_ total: DayTotal) -> Bool {
        switch kind {
        case .turnover: total.sales > 0 || total.refunds > 0
        case .refunds: total.refunds > 0
        case .holds: total.holds > 0 || total.captured > 0 || total.voided > 0
        case .credit: total.balance < 0
        case .balances: true
        }
    }
}

/// A line of a report: of whom, of which day or month, and the numbers.
package struct ReportLine: Sendable {
    package let place: ReportPlace
    package let total: DayTotal
}

/// Where a report stands: in a group, at a day or month. Reports are in the order of these.
package struct ReportPlace: Sendable, Equatable {
    package let groupID: Int64
    package let period: Int64

    package init(groupID: Int64, period: Int64) {
        self.groupID = groupID
        self.period = period
    }

    /// Before every line.
    static let start = ReportPlace(groupID: -1, period: .max)
}

/// Part of a report, and behind which place the next part begins; nil at the end.
package struct ReportStretch: Sendable {
    package let lines: [ReportLine]
    package let next: ReportPlace?
}

extension TenantReader {
    /// So many lines, days and groups are looked at in one lane job: well under a lane's 5 ms.
    private static let reportLinesMax = 400
    private static let reportDaysMax: Int64 = 2_000
    private static let reportGroupsMax = 200

    package func reportStretch(_ report: LedgerReport, behind place: ReportPlace) throws -> ReportStretch {
        var lines: [ReportLine] = []
        var looked: Int64 = 0
        if place.period < .max { looked += try add(place.groupID, behind: place.period, of: report, to: &lines) }
        let groups = try reportGroups(report.grouping, after: place.groupID, limit: Self.reportGroupsMax)
        for group in groups {
            if lines.count >= Self.reportLinesMax || looked >= Self.reportDaysMax {
                return ReportStretch(lines: lines, next: ReportPlace(groupID: group - 1, period: .max))
            }
            looked += try add(group, behind: nil, of: report, to: &lines)
        }
        let last = groups.count == Self.reportGroupsMax ? groups.last : nil
        return ReportStretch(lines: lines, next: last.map { ReportPlace(groupID: $0, period: .max) })
    }

    /// The lines of one group behind a period. Returns how many days were looked at.
    private func add(
        _ group: Int64, behind shown: Int64?, of report: LedgerReport, to lines: inout [ReportLine]
    ) throws -> Int64 {
        let period = report.period
        let first = max(report.firstDay, shown.map { period.firstDay(of: $0 + 1) } ?? .min)
        guard first <= report.lastDay else { return 0 }
        let rows = try dayTotals(of: report.grouping, group, days: first...report.lastDay, by: period)
        let looked = rows.reduce(0) { $0 + $1.rows }
        func show(_ number: Int64, _ total: DayTotal) {
            guard report.shows(total) else { return }
            lines.append(ReportLine(place: ReportPlace(groupID: group, period: number), total: total))
        }
        guard report.kind.tellsOfStanding else {
            for row in rows { show(period.number(ofDay: row.day), row.total) }
            return looked
        }
        var standing = try dayTotal(of: report.grouping, group, upTo: first - 1).map { $0.standing }
        var waiting = rows[...]
        for number in period.number(ofDay: first)...period.number(ofDay: report.lastDay) {
            if let row = waiting.first, period.number(ofDay: row.day) == number {
                show(number, row.total)
                standing = row.total.standing
                waiting = waiting.dropFirst()
            } else if let standing {
                show(number, standing)
            }
        }
        return looked + Int64(rows.isEmpty ? 1 : 0)
    }
}

extension DayTotal {
    /// How things stand while nothing moves.
    fileprivate var standing: DayTotal {
        var standing = DayTotal()
        (standing.balance, standing.held) = (balance, held)
        return standing
    }
}
