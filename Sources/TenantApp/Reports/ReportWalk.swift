package import CallKit
import TenantRegistry

/// Walks along a report, a stretch a lane job, so that no report holds a lane. A value that moves on.
package struct ReportWalk: Sendable {
    private let steps: Steps
    private let report: LedgerReport
    private var place: ReportPlace?
    private var waiting: ArraySlice<ReportLine> = []
    /// Of all that was met so far.
    package private(set) var names = ReportNames()

    package var isAtEnd: Bool { place == nil && waiting.isEmpty }
    /// Behind which the walk goes on where all that was found has been given.
    package var goesOnBehind: ReportPlace? { place }

    /// Behind `place`, or from the first line. What is in the ledger by now is counted first: the report equals it.
    package init(_ steps: Steps, _ report: LedgerReport, behind place: ReportPlace?) async throws {
        self.steps = steps
        self.report = report
        self.place = place ?? .start
        if place == nil { try await Self.follow(steps) }
    }

    private static func follow(_ steps: Steps) async throws {
        let wanted = try await steps.read { try $0.ledgerMark() }
        var counted = wanted.counted
        while counted < wanted.newest {
            counted = try await steps.stage { tenant in
                try tenant.followLedger()
                return try tenant.ledgerMark().counted
            }
        }
    }

    /// The next lines, at most `linesMax`; perhaps none before the end. Not to be called at the end.
    package mutating func next(_ linesMax: Int) async throws -> [ReportLine] {
        if waiting.isEmpty, let from = place {
            let (report, known) = (report, names)
            let (stretch, names) = try await steps.read { tenant in
                let stretch = try tenant.reportStretch(report, behind: from)
                return (stretch, try known.adding(stretch.lines, of: report.grouping, tenant))
            }
            waiting = stretch.lines[...]
            place = stretch.next
            self.names = names
        }
        let lines = waiting.prefix(linesMax)
        waiting = waiting.dropFirst(lines.count)
        return Array(lines)
    }
}

/// Of whom a report's lines are, and what each may owe.
package struct ReportNames: Sendable {
    package struct Group: Sendable {
        /// Public id or sku; nil for what has none.
        package let name: String?
        package let creditLimit: Money
    }

    package private(set) var groups: [Int64: Group] = [:]
    /// So many are kept while a long report goes by.
    private static let groupsMax = 2_000

    package init() {}

    func adding(
        _ lines: [ReportLine], of grouping: DayTotalKey.Grouping, _ tenant: TenantReader
    ) throws -> ReportNames {
        var names = groups.count > Self.groupsMax ? ReportNames() : self
        for line in lines where names.groups[line.place.groupID] == nil {
            let id = line.place.groupID
            switch grouping {
            case .tenant: names.groups[id] = Group(name: nil, creditLimit: .zero)
            case .product: names.groups[id] = Group(name: try tenant.sku(ofProduct: id), creditLimit: .zero)
            case .reseller:
                let reseller = try tenant.reseller(id: id)
                names.groups[id] = Group(name: reseller?.publicID, creditLimit: reseller?.creditLimit ?? .zero)
            }
        }
        return names
    }
}
