package import CallKit
package import TenantRegistry

/// Everything that moved on a reseller's balance as CSV, newest first, a page at a time.
package enum ExportStatement {
    package static let pageRows = 500

    package static func stream(
        _ steps: Steps, resellerID: Int64, book: Book, from: Timestamp? = nil, to: Timestamp? = nil, currency: Currency
    ) -> PulledStream {
        var writer = CSVWriter()
        writer.row(
            ["posting", "kind", "reference", "at", "amount", "balance_after", "currency"].map { .value($0) })
        return steps.stream(head: writer.bytes, from: Place()) { place in
            if place.isOver { return nil }
            let before = place.before
            let rows = try await steps.read {
                try $0.statement(resellerID: resellerID, book: book, before: before, limit: pageRows)
            }
            guard let last = rows.last else { return nil }
            place.before = last.entryID
            // A clock that was set back may have put an older moment above a newer one: a day's worth is looked past.
            if let from, last.at < from.adding(days: -1) { place.isOver = true }
            let asked = rows.filter { row in from.map { row.at >= $0 } ?? true && to.map { row.at < $0 } ?? true }
            return render(asked, currency)
        }
    }

    /// Behind which entry it goes on, and whether nothing older is asked for.
    private struct Place: Sendable {
        var before: Int64?
        var isOver = false
    }

    private static func render(_ rows: [Posting], _ currency: Currency) -> [UInt8] {
        var writer = CSVWriter()
        for row in rows {
            writer.row([
                .value(String(row.id)), .value(row.kind.rawValue), .text(row.reference), .value(row.at.text),
                .value(row.amount.decimal(minorUnitDigits: currency.minorUnitDigits)),
                .value(row.balanceAfter.decimal(minorUnitDigits: currency.minorUnitDigits)), .value(currency.code),
            ])
        }
        return writer.bytes
    }
}
