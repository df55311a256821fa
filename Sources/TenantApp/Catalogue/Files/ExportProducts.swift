package import CallKit
import HTTPCore
import TenantRegistry

/// All products as CSV, a page of rows at a time.
package enum ExportProducts {
    package static let pageRows = 500

    package static func stream(_ steps: Steps, minorUnitDigits: Int) -> PulledStream {
        var writer = CSVWriter()
        writer.row(ProductFile.columns.map { .value($0) })
        return steps.stream(head: writer.bytes, from: Int64(0)) { place in
            let after = place
            let rows = try await steps.read { try $0.products(after: after, limit: pageRows) }
            guard let last = rows.last else { return nil }
            place = last.id
            return try await steps.background {
                var writer = CSVWriter()
                for row in rows { writer.row(ProductFile.cells(row, minorUnitDigits: minorUnitDigits)) }
                return writer.bytes
            }
        }
    }
}
