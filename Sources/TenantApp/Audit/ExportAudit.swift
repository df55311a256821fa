package import CallKit
import HTTPCore
import TenantRegistry

/// The audit log from a search's newest record to its oldest as one streamed file (O6).
package enum ExportAudit {
    package enum Format: Sendable {
        case csv
        /// JSON Lines: an object a line.
        case jsonLines
    }

    /// So many records make a piece.
    package static let pieceEntries = 2_000

    package static func stream(_ walk: AuditWalk, as format: Format, _ steps: Steps) -> PulledStream {
        var writer = CSVWriter()
        if format == .csv { writer.row(AuditLines.columns.map { .value($0) }) }
        return steps.stream(head: writer.bytes, from: walk) { walk in
            if walk.isAtEnd { return nil }
            let entries = try await walk.next(pieceEntries)
            let names = walk.names
            return try await steps.background { render(entries, names, format) }
        }
    }

    private static func render(_ entries: [AuditEntry], _ names: AuditNames, _ format: Format) -> [UInt8] {
        switch format {
        case .csv:
            var writer = CSVWriter()
            for entry in entries { writer.row(AuditLines.cells(entry, names)) }
            return writer.bytes
        case .jsonLines:
            var writer = JSONWriter(reserving: entries.count * 400)
            for entry in entries {
                writer.object { json in AuditLines.write(entry, names, &json) }
                writer.bytes.append(0x0A)
            }
            return writer.bytes
        }
    }
}
