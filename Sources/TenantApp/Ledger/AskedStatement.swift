import CallKit
import HTTPCore
import TenantRegistry

/// Which movements of a balance somebody asks for, by the names that callers have (W6, O5). A statement is gone along
/// from its newest entry, a bounded number of entries at a step and of steps at a page, so that none holds a lane.
struct AskedStatement: Sendable {
    /// Nothing: all kinds.
    private let kinds: Set<PostingKind>
    /// `from` counts, `to` does not.
    private let period: (from: Timestamp?, to: Timestamp?)

    static let parameters: [Parameter] = [.mode, .choices("kind", PostingKind.self), .from, .to]

    /// So many entries a step looks at.
    private static let rowsMax = 500
    /// So many steps are made for one page: one that finds little may be short, and goes on.
    private static let stepsMax = 64

    init(_ query: Query) throws(Refusal) {
        kinds = try query.choices("kind")
        period = try query.period()
    }

    // MARK: One step

    /// What is found behind this entry, and the entry down to which it was looked; nil at the end.
    func look(
        at resellerID: Int64, in book: Book, behind entry: Int64?, _ rowsMax: Int, _ tenant: TenantReader
    ) throws -> (rows: [StatedPosting], place: Int64?) {
        let rows = try tenant.statement(resellerID: resellerID, book: book, before: entry, limit: rowsMax)
        let found = rows.filter(takes).map { tenant.stated($0) }
        guard rows.count == rowsMax, let last = rows.last, !isOver(at: last) else { return (found, nil) }
        return (found, last.entryID)
    }

    private func takes(_ posting: Posting) -> Bool {
        (kinds.isEmpty || kinds.contains(posting.kind)) && period.from.map { posting.at >= $0 } ?? true
            && period.to.map { posting.at < $0 } ?? true
    }

    /// A clock that was set back may have put an older moment above a newer one: a day's worth is looked past.
    private func isOver(at posting: Posting) -> Bool {
        period.from.map { posting.at < $0.adding(days: -1) } ?? false
    }

    // MARK: Answers

    /// A page of it, newest first. `reseller`: whose statement it is, by the inner id.
    static func list(
        _ call: Call, in book: Book, _ shape: Shape<StatedPosting>,
        of reseller: @escaping @Sendable (TenantReader) throws -> Int64
    ) throws -> Work {
        let page = try Paging(call)
        let asked = try AskedStatement(try call.query())
        return .flow { steps in
            let resellerID = try await steps.read { try reseller($0) }
            let (rows, next) = try await asked.page(steps, of: resellerID, in: book, page)
            return .answer(page.answer(found: rows, next: next, shape, in: call.currency))
        }
    }

    private func page(
        _ steps: Steps, of resellerID: Int64, in book: Book, _ page: Paging
    ) async throws -> (rows: [StatedPosting], next: Int64?) {
        var rows: [StatedPosting] = []
        var place = page.cursor
        // Where everything is asked for, one step has the page.
        let isAll = kinds.isEmpty && period.from == nil && period.to == nil
        let rowsMax = isAll ? page.fetch : Self.rowsMax
        for _ in 0..<Self.stepsMax {
            let behind = place
            let found = try await steps.read {
                try look(at: resellerID, in: book, behind: behind, rowsMax, $0)
            }
            rows += found.rows
            if rows.count > page.limit {
                return (Array(rows.prefix(page.limit)), rows[page.limit - 1].posting.entryID)
            }
            guard let looked = found.place else { return (rows, nil) }
            place = looked
        }
        return (rows, place)
    }
}
