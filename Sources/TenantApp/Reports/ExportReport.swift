package import CallKit
import TenantRegistry

/// A report as CSV, piece by piece (O14).
package enum ExportReport {
    /// So many lines make a piece.
    package static let pieceLines = 2_000

    /// Waiting lines of one stretch are given together; a piece is several.
    package static func stream(
        _ walk: ReportWalk, columns: [String], _ steps: Steps,
        cells: @escaping @Sendable (ReportLine, ReportNames) -> [CSVCell]
    ) -> PulledStream {
        var writer = CSVWriter()
        writer.row(columns.map { .value($0) })
        return steps.stream(head: writer.bytes, from: walk) { walk in
            if walk.isAtEnd { return nil }
            let lines = try await walk.next(pieceLines)
            let names = walk.names
            return try await steps.background {
                var writer = CSVWriter()
                for line in lines { writer.row(cells(line, names)) }
                return writer.bytes
            }
        }
    }
}
