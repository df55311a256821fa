package import CallKit
package import TenantRegistry

/// Everything that moved on a reseller's balance as CSV, newest first, a page at a time. `isOwn`: for the reseller
/// itself, which knows postings by their public ids alone.
package enum ExportStatement {
    package static let pageRows = 500

    package static func stream(
        _ steps: Steps, resellerID: Int64, book: Book, isOwn: Bool, from: Timestamp? = nil, to: Timestamp? = nil,
        currency: Currency
    ) -> PulledStream {
        var writer = CSVWriter()
        let names = ["posting", "kind", "reference", "at", "amount", "balance_after", "currency"]
        writer.row((isOwn ? names : names + ["public_id"]).map { .value($0) })
        return steps.stream(head: writer.bytes, from: Place()) { place in
            if place.isOver { return nil }
            let before = place.before
            let rows = try await steps.read { tenant in
                try tenant.statement(resellerID: resellerID, book: book, before: before, limit: pageRows)
                    .map { tenant.stated($0) }
            }
            guard let last = rows.last?.posting else { return nil }
            place.before = last.entryID
            // A clock that was set back may have put an older moment above a newer one: a day's worth is looked past.
            if let from, last.at < from.adding(days: -1) { place.isOver = true }
            let asked = rows.filter { row in
                from.map { row.posting.at >= $0 } ?? true && to.map { row.posting.at < $0 } ?? true
            }
            return render(asked, isOwn: isOwn, currency)
        }
    }

    /// Behind which entry it goes on, and whether nothing older is asked for.
    private struct Place: Sendable {
        var before: Int64?
        var isOver = false
    }

    private static func render(_ rows: [StatedPosting], isOwn: Bool, _ currency: Currency) -> [UInt8] {
        var writer = CSVWriter()
        for stated in rows {
            let row = stated.posting
            let cells: [CSVCell] = [
                .value(isOwn ? stated.publicID : String(row.id)), .value(row.kind.rawValue), .text(row.reference),
                .value(row.at.text), .value(row.amount.decimal(minorUnitDigits: currency.minorUnitDigits)),
                .value(row.balanceAfter.decimal(minorUnitDigits: currency.minorUnitDigits)), .value(currency.code),
            ]
            writer.row(isOwn ? cells : cells + [.value(stated.publicID)])
        }
        return writer.bytes
    }
}
