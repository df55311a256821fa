import CallKit
import TenantRegistry

/// What is asked for of a reseller's balance as CSV, newest first, a page at a time. `isOwn`: for the reseller itself,
/// which knows postings by their public ids alone.
enum ExportStatement {
    private static let pageRows = 500

    static func stream(
        _ steps: Steps, _ asked: AskedStatement, resellerID: Int64, book: Book, isOwn: Bool, currency: Currency
    ) -> PulledStream {
        var writer = CSVWriter()
        let names = ["posting", "kind", "reference", "at", "amount", "balance_after", "currency"]
        writer.row((isOwn ? names : names + ["public_id"]).map { .value($0) })
        return steps.stream(head: writer.bytes, from: Place()) { place in
            if place.isOver { return nil }
            let before = place.before
            let found = try await steps.read {
                try asked.look(at: resellerID, in: book, behind: before, pageRows, $0)
            }
            place.before = found.place
            place.isOver = found.place == nil
            return render(found.rows, isOwn: isOwn, currency)
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
