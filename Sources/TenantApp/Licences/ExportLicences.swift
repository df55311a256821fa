import CallKit
import TenantRegistry

/// The licences that a reseller can still sell, as CSV, by their place in stock, a page at a time (L2).
enum ExportLicences {
    static func stream(_ steps: Steps, resellerID: Int64, book: Book) -> PulledStream {
        var writer = CSVWriter()
        writer.row(["key", "product", "expiration", "created_at"].map { .value($0) })
        return steps.stream(head: writer.bytes, from: Int64(0)) { place in
            let last = place
            let licences = try await steps.read { tenant in
                try tenant.availableLicences(
                    resellerID: resellerID, book: book, after: last, limit: ListAvailableLicences.pageRows)
            }
            guard let end = licences.last else { return nil }
            place = end.id
            return render(licences)
        }
    }

    private static func render(_ licences: [Licence]) -> [UInt8] {
        var writer = CSVWriter()
        for licence in licences {
            writer.row([
                .text(licence.key), .text(licence.sku), .value(licence.expiresAt.text),
                .value(licence.createdAt.text),
            ])
        }
        return writer.bytes
    }
}
