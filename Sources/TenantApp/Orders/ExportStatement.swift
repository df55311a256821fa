package import CallKit
package import TenantRegistry

/// Everything that moved on a reseller's balance as CSV, newest first, a page at a time.
package enum ExportStatement {
    package static let pageRows = 500

    package static func stream(
        _ steps: Steps, resellerID: Int64, book: Book, currency: Currency
    ) -> PulledStream {
        var writer = CSVWriter()
        writer.row(
            ["posting", "kind", "reference", "at", "amount", "balance_after", "currency"].map { .value($0) })
        return steps.stream(head: writer.bytes, from: Int64?.none) { place in
            let before = place
            let rows = try await steps.read {
                try $0.statement(resellerID: resellerID, book: book, before: before, limit: pageRows)
            }
            guard let last = rows.last else { return nil }
            place = last.entryID
            return render(rows, currency)
        }
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
