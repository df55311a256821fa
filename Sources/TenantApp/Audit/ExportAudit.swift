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

    package static func stream(_ walk: AuditWalk, as format: Format) -> PulledStream {
        var writer = CSVWriter()
        if format == .csv { writer.row(AuditLines.columns) }
        return PulledStream(head: writer.bytes) { give in
            if walk.isAtEnd { return give(.success(nil)) }
            walk.next(pieceEntries) { result in give(result.map { render($0, format) }) }
        }
    }

    private static func render(_ step: AuditWalk.Step, _ format: Format) -> [UInt8] {
        switch format {
        case .csv:
            var writer = CSVWriter()
            for entry in step.entries { writer.row(AuditLines.fields(entry, step.names)) }
            return writer.bytes
        case .jsonLines:
            var writer = JSONWriter(reserving: step.entries.count * 400)
            for entry in step.entries {
                writer.object { json in AuditLines.write(entry, step.names, &json) }
                writer.bytes.append(0x0A)
            }
            return writer.bytes
        }
    }
}
