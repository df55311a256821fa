import CallKit
import HTTPCore
import TenantRegistry

/// Turnover, refunds, holds, credit and balances by day or month, of the whole tenant, by product or by reseller (O14).
extension OperatorAdmin {
    static let reports: [Route] = LedgerReport.Kind.allCases.flatMap { kind in
        let sheet = ReportSheet.of(kind)
        return [
            Route(
                .get, "/reports/\(kind.rawValue)", sheet.summary, access: .administrator,
                parameters: .page() + parameters(kind), gives: .list(sheet.shape)
            ) { call in
                let report = try report(kind, call)
                let limit = try Paging.limit(try call.query())
                let seal = try CursorSeal(call)
                let behind = try call.query()["cursor"].map { try ReportPlace(try seal.open($0)) }
                return .flow { steps in
                    try await page(sheet, report, behind: behind, limit: limit, seal, in: call.currency, steps)
                }
            },
            Route(
                .get, "/reports/\(kind.rawValue).csv", "\(sheet.summary), as CSV", access: .administrator,
                isOpenToSupport: false, parameters: parameters(kind), gives: .read(.file("text/csv"))
            ) { call in
                let report = try report(kind, call)
                let currency = call.currency
                return .flow { steps in
                    let walk = try await ReportWalk(steps, report, behind: nil)
                    return download(
                        sheet.fileName, "text/csv; charset=utf-8",
                        ExportReport.stream(walk, columns: sheet.columns, steps) { line, names in
                            sheet.cells(ReportSheet.Line(line, report, names), in: currency)
                        })
                }
            },
        ]
    }

    private static func parameters(_ kind: LedgerReport.Kind) -> [Parameter] {
        [
            .query("by", .choice(ReportPeriod.self)), .query("group", .one(of: names(kind))), .from, .through,
        ]
    }

    private static func names(_ kind: LedgerReport.Kind) -> [String] {
        kind.groupings.compactMap { $0 == .tenant ? nil : "\($0)" }
    }

    /// Without `from` the last month, or the last year by months. Both ends count.
    private static func report(_ kind: LedgerReport.Kind, _ call: Call) throws -> LedgerReport {
        let query = try call.query()
        let period = try query.choice("by", as: ReportPeriod.self) ?? .day
        let group = query["group"]
        guard let grouping = kind.groupings.first(where: { group == nil ? true : "\($0)" == group && $0 != .tenant })
        else { throw Refusal.field("/group", "choice", "must be one of \(names(kind).joined(separator: ", "))") }
        let (from, to) = try query.period()
        let today = ReportPeriod.day(of: call.now)
        let last = to.map { ReportPeriod.day(of: $0) } ?? today
        let first =
            from.map { ReportPeriod.day(of: $0) }
            ?? (period == .day ? last - 30 : ReportPeriod.firstDay(ofMonth: ReportPeriod.month(ofDay: last) - 11))
        let most = LedgerReport.daysMax(period)
        guard last - first < most else {
            throw Refusal.field("/from", "range", "must be at most \(most) days before to")
        }
        return LedgerReport(kind, by: period, of: grouping, from: first, through: min(last, today))
    }

    /// So many stretches are looked at for one page: a page of a report that finds little may be short, and goes on.
    private static let stretchesMax = 32

    private static func page(
        _ sheet: ReportSheet, _ report: LedgerReport, behind: ReportPlace?, limit: Int, _ seal: CursorSeal,
        in currency: Currency, _ steps: Steps
    ) async throws -> Work {
        var walk = try await ReportWalk(steps, report, behind: behind)
        var lines: [ReportLine] = []
        var next: ReportPlace?
        for stretch in 1... {
            lines += try await walk.next(limit + 1 - lines.count)
            if lines.count > limit {
                next = lines[limit - 1].place
                break
            }
            if walk.isAtEnd { break }
            if stretch == stretchesMax {
                next = walk.goesOnBehind
                break
            }
        }
        let shown = lines.prefix(limit).map { ReportSheet.Line($0, report, walk.names) }
        let cursor = next.map { seal.seal([UInt8](places: $0.groupID, $0.period)) }
        return .answer(
            .json { json in
                json.array("data") { json in
                    for line in shown {
                        json.object { json in sheet.shape.write(line, in: currency, to: &json) }
                    }
                }
                json.field("has_more", cursor != nil)
                json.field("next_cursor", cursor)
            })
    }
}

extension ReportPlace {
    fileprivate init(_ bytes: [UInt8]) throws(Refusal) {
        guard let group = bytes.place(0), let period = bytes.place(1) else { throw .badQuery(.unknownCursor) }
        self.init(groupID: group, period: period)
    }
}
